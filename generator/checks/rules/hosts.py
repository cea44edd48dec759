"""Rules about the names that people type: what answers for them is what the answers and the DNS zone know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.checks.reading.kubernetes_objects import mapping, sequence, text
from generator.checks.reading.source_files import ARGOCD, INFRA
from generator.checks.reading.values import chart_values
from generator.checks.rule import rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Inventory
    from generator.findings import Flaw

_HOST = re.compile(r"Host\(([^)]*)\)")
_QUOTED = re.compile(r"[`\"']([^`\"']+)[`\"']")
_OWN_HOSTS = "ansible/inventory/group_vars/all/user.yml"
_TRAEFIK, _ROUTES = "traefik.io", "IngressRoute"


@rule("traefik/host", "The hosts of the platform are those of the address plan; others lie below the cluster's domain.")
def host(inventory: Inventory) -> Iterator[Flaw]:
    """Compare the hosts of all routes, and Argo CD's own, with the plan."""
    planned = {text(service.get("host")) for service in map(mapping, inventory.expected.plan.get("services", []))}
    if not planned:
        return
    planned |= set(_own(inventory))
    domain = inventory.expected.domain
    known = ", ".join(sorted(planned))
    for item in inventory.deployed:
        if not item.manifest.is_a(_TRAEFIK, _ROUTES):
            continue
        own = item.manifest.file.part == ARGOCD and item.application is not None
        for index, route in enumerate(sequence(item.manifest.spec.get("routes"))):
            for found in _hosts(text(mapping(route).get("match"))):
                place = ("spec", "routes", index, "match")
                if domain and found != domain and not found.endswith(f".{domain}"):
                    message = f"{found} is no name below {domain}: neither its DNS nor its certificate knows it"
                    severity = Severity.ERROR if own else Severity.WARNING
                    yield item.manifest.flaw(message, *place, fix=f"Planned are {known}.", severity=severity)
                elif found not in planned:
                    message = f"{found} is none of the hosts of the plan: the cluster's DNS has no such name"
                    fix = f"Planned are {known}; add it to `ingress_hosts` in {_OWN_HOSTS} of infra, or correct it."
                    yield item.manifest.flaw(message, *place, fix=fix, severity=Severity.WARNING)
    for values in chart_values(inventory):
        found = text(values.get("global", "domain")) if values.chart == "argo-cd" else ""
        if found and found not in planned and not found.startswith("localhost"):
            message = f"Argo CD takes itself for {found}, which is none of the hosts of the plan"
            yield values.flaw(message, "global", "domain", fix=f"Planned are {known}.")


def _own(inventory: Inventory) -> Iterator[str]:
    """Return the hosts of people's own apps, which they tell the name servers."""
    for file, found in inventory.contents.others.items():
        if file.part == INFRA and file.path.as_posix().endswith(_OWN_HOSTS):
            for document in found:
                yield from map(text, sequence(mapping(document.value).get("ingress_hosts")))


def _hosts(match: str) -> Iterator[str]:
    for arguments in _HOST.findall(match):
        yield from _QUOTED.findall(arguments)
