"""Rules about Traefik's routes: the middlewares and the Services that they name are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import mapping, sequence, text
from generator.checks.rule import rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Deployed, Inventory
    from generator.checks.reading.yamlgo import Step
    from generator.findings import Flaw

TRAEFIK = "traefik.io"


@rule("traefik/middleware", "A middleware that a route names exists.")
def middleware(inventory: Inventory) -> Iterator[Flaw]:
    """Look for the middlewares of all routes; rarely, one comes with a chart."""
    there = {item.identity for item in inventory.deployed}
    for item, route, place, from_chart in _routes(inventory):
        for index, value in enumerate(sequence(route.get("middlewares"))):
            reference = mapping(value)
            name, namespace = text(reference.get("name")), text(reference.get("namespace")) or item.namespace
            # With an @ it is another provider's, such as a file's.
            if not name or "@" in name or (TRAEFIK, "Middleware", namespace, name) in there:
                continue
            message = f"there is no middleware {name} in the namespace {namespace}: Traefik drops the whole route"
            severity = Severity.WARNING if from_chart else Severity.ERROR
            yield item.manifest.flaw(message, *place, "middlewares", index, "name", severity=severity)


@rule("traefik/service", "A Service that a route names exists and has that port.")
def service(inventory: Inventory) -> Iterator[Flaw]:
    """Look for the Services of all routes whose namespace holds no chart's."""
    there = {item.identity: item for item in inventory.deployed}
    for item, route, place, from_chart in _routes(inventory):
        for index, value in enumerate(sequence(route.get("services")) if not from_chart else []):
            reference = mapping(value)
            name, namespace = text(reference.get("name")), text(reference.get("namespace")) or item.namespace
            if text(reference.get("kind")) not in ("", "Service") or not name or namespace != item.namespace:
                continue
            found = there.get(("", "Service", namespace, name))
            if found is None:
                message = f"there is no Service {name} in the namespace {namespace}"
                yield item.manifest.flaw(message, *place, "services", index, "name")
            elif reference.get("port") is not None and reference["port"] not in _ports(found):
                message = f"the Service {name} has no port {reference['port']}"
                yield item.manifest.flaw(message, *place, "services", index, "port")


def _routes(inventory: Inventory) -> Iterator[tuple[Deployed, dict[str, Any], tuple[Step, ...], bool]]:
    """Yield each route of the IngressRoutes: the object, the route, its place, and whether charts deploy there, too.

    A namespace into which a chart is installed holds objects that stand in no tree.
    """
    charts = {app.namespace for app in inventory.applications if any(source.is_chart for source in app.sources)}
    for item in inventory.deployed:
        if item.manifest.is_a(TRAEFIK, "IngressRoute"):
            from_chart = item.namespace in charts or _has_helm(item)
            for index, value in enumerate(sequence(item.manifest.spec.get("routes"))):
                yield item, mapping(value), ("spec", "routes", index), from_chart


def _has_helm(item: Deployed) -> bool:
    return any(kustomization.document.value.get("helmCharts") for kustomization in item.kustomizations)


def _ports(found: Deployed) -> set[int | str]:
    ports = [mapping(port) for port in sequence(found.manifest.spec.get("ports"))]
    named = {port[key] for port in ports for key in ("port", "name") if isinstance(port.get(key), (int, str))}
    # A port may also be given as text.
    return named | {str(port) for port in named}
