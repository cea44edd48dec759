"""Rules about Argo CD's own settings: what the end-to-end proof has shown a rollout in waves to need.

Each was seen failing with the setting switched off (docs/proof.md, docs/adr/0001-argo-cd-release.md).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.checks.reading.kubernetes_objects import text
from generator.checks.reading.values import chart_values
from generator.checks.rule import rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.values import ChartValues
    from generator.findings import Flaw

CHART = "argo-cd"
_HEALTH = "resource.customizations.health."
# What the health of an Application has to look at: a check that asks for its objects' health alone lets waves pass.
_LOOKED_AT = ("operationState", "comparedTo", "reconciledAt")
_ZERO = re.compile(r"0+[a-z]*")


@rule("argocd/health-check", "Argo CD is told what makes Applications and SealedSecrets healthy, so that waves wait.")
def health_check(inventory: Inventory) -> Iterator[Flaw]:
    """Look for the health checks in Argo CD's values."""
    for values in _argocd(inventory):
        place = ("configs", "cm", f"{_HEALTH}argoproj.io_Application")
        check = text(values.get(*place))
        fix = "Take it over from a fresh rendering: it is what makes one wave of Applications wait for another."
        if not check.strip():
            yield values.flaw(
                "Argo CD has no health check for Applications: no wave waits for the one before", *place, fix=fix
            )
        elif missing := [name for name in _LOOKED_AT if name not in check]:
            message = f"this health check of Applications doesn't look at {missing[0]}: waves would not wait for syncs"
            yield values.flaw(message, *place, fix=fix)
        place = ("configs", "cm", f"{_HEALTH}bitnami.com_SealedSecret")
        if not text(values.get(*place)).strip():
            message = (
                "Argo CD's own health check of SealedSecrets takes the condition of an older value for the present one"
            )
            yield values.flaw(message, *place, fix="Take it over from a fresh rendering.")


@rule("argocd/settings", "Argo CD compares on the server, again and again, and ends a sync that never ends.")
def settings(inventory: Inventory) -> Iterator[Flaw]:
    """Look at the settings without which a rollout stops or never comes to rest."""
    for values in _argocd(inventory):
        place = ("configs", "params", "controller.diff.server.side")
        if text(values.get(*place)) != "true":
            message = "what the server applies is not compared on the server: defaults that it fills in differ for ever"
            yield values.flaw(message, *place, fix='Set it to "true".')
        place = ("configs", "params", "controller.sync.timeout.seconds")
        if _is_off(values.get(*place)):
            message = "a sync that waits for ever is never ended: the commit that would mend it is not read"
            yield values.flaw(message, *place, fix='Set a number of seconds, such as "1800".')
        place = ("configs", "cm", "timeout.reconciliation")
        if _is_off(values.get(*place)):
            message = "Applications are not compared again by themselves: one that drifts holds its wave for ever"
            yield values.flaw(message, *place, fix="Set a time, such as 180s.", severity=Severity.WARNING)


def _argocd(inventory: Inventory) -> Iterator[ChartValues]:
    yield from (values for values in chart_values(inventory) if values.chart == CHART)


def _is_off(value: object) -> bool:
    return value in (None, "", 0) or _ZERO.fullmatch(str(value)) is not None
