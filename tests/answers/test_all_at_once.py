"""A mistake hides no other one that has nothing to do with it (faults B5): all come in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.answers.load import load
from generator.errors import AnswersError

from .conftest import ROOT, SSH_KEY, Write


@dataclass(frozen=True)
class Mistake:
    """A mistake in some answers.

    Attributes:
        answers: The wrong answers.
        finding: Rule and path of the finding that has to come.
        needs: Other answers without which nobody could call it a mistake.
    """

    answers: Mapping[str, Any]
    finding: tuple[str, str]
    needs: tuple[str, ...] = ()

    @property
    def looks_at(self) -> tuple[str, ...]:
        return (*leaves(self.answers), *self.needs)

    def is_independent_of(self, other: Mistake) -> bool:
        return not any(meet(a, b) for a in self.looks_at for b in other.looks_at)


def leaves(value: object, path: str = "") -> list[str]:
    if isinstance(value, dict) and value:
        return [leaf for name, item in value.items() for leaf in leaves(item, f"{path}.{name}".lstrip("."))]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [leaf for item in value for leaf in leaves(item, f"{path}.{item.get('name', '')}")]
    return [path]


def meet(a: str, b: str) -> bool:
    return all(one == other for one, other in zip(a.split("."), b.split("."), strict=False))


def merged(mistakes: Iterable[Mistake]) -> dict[str, Any]:
    answers: dict[str, Any] = {"ssh_public_key": SSH_KEY}
    for mistake in mistakes:
        join(answers, mistake.answers)
    return answers


def join(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and name in into:
            join(into[name], value)
        elif isinstance(value, list) and name in into:
            into[name] = into[name] + value
        else:
            into[name] = dict(value) if isinstance(value, dict) else value


EDGE = ("profile", "edge", "networks.edge.cidr", "networks.edge.gateway")
MISTAKES = {
    # One answer by itself: its type, its form, its name.
    "name": Mistake({"name": "Home"}, ("name", "name")),
    "domain": Mistake({"domain": "home"}, ("domain", "domain")),
    "email": Mistake({"email": "ops"}, ("email", "email")),
    "timezone": Mistake({"timezone": "Nowhere/Land"}, ("timezone", "timezone")),
    "unknown answer": Mistake({"colour": "blue"}, ("unknown", "colour")),
    "server": Mistake({"dns_upstream": ["1.1.1.1", "one"]}, ("dns-upstream", "dns_upstream.1")),
    "component": Mistake({"components": ["traefik", "jabberwock"]}, ("choice", "components.1")),
    "cluster's network": Mistake(
        {"networks": {"cluster": {"cidr": "10.17.4.5/24"}}}, ("networks-cidr", "networks.cluster.cidr")
    ),
    "infra's bridge": Mistake(
        {"networks": {"infra": {"bridge": "Br 0"}}}, ("networks-bridge", "networks.infra.bridge")
    ),
    "key of a network": Mistake(
        {"networks": {"infra": {"jumbo": 1}}}, ("unknown", "networks.infra.jumbo"), ("networks.infra",)
    ),
    "number as text": Mistake({"counts": {"workers": "three"}}, ("type", "counts.workers")),
    "size of a worker": Mistake({"sizes": {"worker": {"cpus": 0}}}, ("sizes-cpus", "sizes.worker.cpus")),
    "recipient": Mistake({"vault_recipients": ["age1abc"]}, ("vault-recipients", "vault_recipients.0")),
    "MAC address": Mistake({"nodes": [{"name": "infra1", "mac": "xyz"}]}, ("nodes-mac", "nodes.infra1.mac")),
    "repository": Mistake({"repositories": {"apps": "a b"}}, ("repositories-apps", "repositories.apps")),
    # Several answers together, on the address plan.
    "virtual routers": Mistake(
        {"vips": {"api": {"vrid": 7}, "ingress": {"vrid": 7}}}, ("vrid-duplicate", "vips.ingress.vrid"), ("profile",)
    ),
    "masters": Mistake({"counts": {"masters": 4}}, ("masters-odd", "counts.masters"), ("profile",)),
    "address outside": Mistake(
        {"nodes": [{"name": "lb1", "address": "10.99.0.1"}]}, ("address-outside", "nodes.lb1.address"), EDGE
    ),
    "memory of a machine": Mistake(
        {"nodes": [{"name": "master1", "memory_mib": 512}]},
        ("memory-floor", "nodes.master1.memory_mib"),
        ("profile", "counts.masters"),
    ),
    "overlap": Mistake(
        {"kubernetes": {"pod_cidr": "10.43.0.0/16", "service_cidr": "10.43.0.0/16"}},
        ("cidr-overlap", "kubernetes.service_cidr"),
    ),
    "reading": Mistake({"git_read": "deploy-key"}, ("git-read", "git_read"), ("git_base_url", "repositories")),
    "Let's Encrypt": Mistake({"exposure": "public"}, ("exposure-domain", "exposure"), ("domain",)),
    "DHCP range": Mistake(
        {"networks": {"edge": {"dhcp_start": "10.17.5.250", "dhcp_end": "10.17.5.240"}}},
        ("dhcp-order", "networks.edge.dhcp_end"),
        EDGE,
    ),
}
# A domain is derived from a name, and a URL from both.
DERIVED = {"Let's Encrypt": ("name",), "reading": ("name", "domain")}


def findings(text: str) -> set[tuple[str, str]]:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        with pytest.raises(AnswersError) as caught:
            load(Path(file.name), ROOT)
    return {(finding.rule.removeprefix("answers/"), finding.path) for finding in caught.value.findings}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(sorted(MISTAKES)), st.integers(2, 12))
def test_independent_mistakes_are_all_told(names: list[str], number: int) -> None:
    """Of a random order, each mistake that has nothing to do with those before it."""
    chosen: list[str] = []
    for name in names[:number]:
        apart = all(MISTAKES[name].is_independent_of(MISTAKES[other]) for other in chosen)
        derived = any(name in DERIVED.get(other, ()) or other in DERIVED.get(name, ()) for other in chosen)
        if apart and not derived:
            chosen.append(name)
    told = findings(yaml.safe_dump(merged(MISTAKES[name] for name in chosen)))
    assert {MISTAKES[name].finding for name in chosen} <= told


@pytest.mark.parametrize("name", MISTAKES)
def test_each_of_the_mistakes_is_told_alone(name: str) -> None:
    assert MISTAKES[name].finding in findings(yaml.safe_dump(merged([MISTAKES[name]])))


def test_malformed_network_and_equal_virtual_routers_are_told_at_once(write: Write) -> None:
    path = write("networks: {cluster: {cidr: 10.17.4.5/24}}\nvips: {api: {vrid: 5}, ingress: {vrid: 5}}\n")
    with pytest.raises(AnswersError) as caught:
        load(path, ROOT)
    assert {finding.rule for finding in caught.value.findings} == {"answers/networks-cidr", "answers/vrid-duplicate"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # A misspelt key is taken for the one it resembles: 11 workers may be meant, so nobody counts them.
        ("counts: {workrs: 0, masters: 4}", {("unknown", "counts.workrs"), ("masters-odd", "counts.masters")}),
        (
            "networks: {edge: {cdir: 10.9.0.0/24}}\nnodes: [{name: lb1, address: 10.9.0.5}]",
            {("unknown", "networks.edge.cdir")},
        ),
        # A misspelt component hides no rule on the others, unless it may be the one that the rule misses.
        ("components: [hello, jabberwock]", {("choice", "components.1"), ("components", "components")}),
        ("components: [hello, trafik]", {("choice", "components.1")}),
        # Items of a list keep their number when one before them is of the wrong type.
        (
            "vault_recipients: [5, age1abc]",
            {("type", "vault_recipients.0"), ("vault-recipients", "vault_recipients.1")},
        ),
        ("dns_upstream: [one, 1.1.1.1, two, 1.1.1.1]", {("dns-upstream", f"dns_upstream.{n}") for n in (0, 2, 3)}),
        # What is left of a machine is judged; what is missing because it was malformed is not missed.
        (
            "nodes: [{name: worker9, role: worker, address: 10.17.4.300, cpus: 0}]",
            {("nodes-address", "nodes.worker9.address"), ("nodes-cpus", "nodes.worker9.cpus")},
        ),
        ("nodes: [{name: Worker1, address: 10.17.4.31}]", {("nodes-name", "nodes.0.name")}),
    ],
)
def test_what_follows_from_a_mistake_is_not_told(write: Write, text: str, told: set[tuple[str, str]]) -> None:
    assert findings(write(f"{text}\n").read_text()) == told
