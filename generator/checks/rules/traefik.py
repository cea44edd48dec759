"""Rules about Traefik's routes: the middlewares and the Services that they name are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.checks.reading.objects import mapping, sequence, text
from generator.checks.rule import Rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.checks.reading.inventory import Deployed, Inventory
    from generator.checks.reading.yamlgo import Step
    from generator.findings import Finding

TRAEFIK = "traefik.io"


def check_routes(inventory: Inventory) -> Iterator[Finding]:
    """Check all IngressRoutes.

    A namespace into which a chart is installed holds objects that stand in no tree: a Service may be one of them, and
    so may, rarely, a middleware.

    Args:
        inventory: What the trees hold and deploy.
    """
    there = {item.identity: item for item in inventory.deployed}
    charts = {app.namespace for app in inventory.applications if any(source.is_chart for source in app.sources)}
    for item in inventory.deployed:
        if not item.manifest.is_a(TRAEFIK, "IngressRoute"):
            continue
        from_chart = item.namespace in charts or _has_helm(item)
        for index, value in enumerate(sequence(item.manifest.spec.get("routes"))):
            route, place = mapping(value), ("spec", "routes", index)
            yield from _middlewares(item, route, place, there, from_chart)
            if not from_chart:
                yield from _services(item, route, place, there)


def _has_helm(item: Deployed) -> bool:
    return any(kustomization.document.value.get("helmCharts") for kustomization in item.kustomizations)


def _middlewares(
    item: Deployed,
    route: Mapping[str, Any],
    place: tuple[Step, ...],
    there: Mapping[tuple[str, str, str, str], Deployed],
    from_chart: bool,
) -> Iterator[Finding]:
    for index, value in enumerate(sequence(route.get("middlewares"))):
        reference = mapping(value)
        name, namespace = text(reference.get("name")), text(reference.get("namespace")) or item.namespace
        # With an @ it is another provider's, such as a file's.
        if not name or "@" in name or (TRAEFIK, "Middleware", namespace, name) in there:
            continue
        message = f"there is no middleware {name} in the namespace {namespace}: Traefik drops the whole route"
        severity = Severity.WARNING if from_chart else Severity.ERROR
        path = (*place, "middlewares", index, "name")
        yield item.manifest.finding(Rule.TRAEFIK_MIDDLEWARE, message, *path, severity=severity)


def _services(
    item: Deployed,
    route: Mapping[str, Any],
    place: tuple[Step, ...],
    there: Mapping[tuple[str, str, str, str], Deployed],
) -> Iterator[Finding]:
    for index, value in enumerate(sequence(route.get("services"))):
        reference = mapping(value)
        name, namespace = text(reference.get("name")), text(reference.get("namespace")) or item.namespace
        if text(reference.get("kind")) not in ("", "Service") or not name or namespace != item.namespace:
            continue
        path = (*place, "services", index)
        service = there.get(("", "Service", namespace, name))
        if service is None:
            message = f"there is no Service {name} in the namespace {namespace}"
            yield item.manifest.finding(Rule.TRAEFIK_SERVICE, message, *path, "name")
        elif reference.get("port") is not None and reference["port"] not in _ports(service):
            message = f"the Service {name} has no port {reference['port']}"
            yield item.manifest.finding(Rule.TRAEFIK_SERVICE, message, *path, "port")


def _ports(service: Deployed) -> set[int | str]:
    ports = [mapping(port) for port in sequence(service.manifest.spec.get("ports"))]
    named = {port[key] for port in ports for key in ("port", "name") if isinstance(port.get(key), (int, str))}
    # A port may also be given as text.
    return named | {str(port) for port in named}
