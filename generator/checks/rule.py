"""The registry of the checks: a function that judges what the trees deploy says with `@rule` which rule that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.findings import Rule, Severity, declare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.checks.reading.inventory import Inventory
    from generator.findings import Finding, Flaw

    Judge = Callable[[Inventory], Iterator[Flaw]]

_JUDGES: dict[Rule, Judge] = {}


def rule(identifier: str, says: str, severity: Severity = Severity.ERROR) -> Callable[[Judge], Judge]:
    """Make a function the judge of a rule.

    Args:
        identifier: Stable identifier, `family/name`.
        says: What it demands, as a sentence for people.
        severity: How bad it is to break it.
    """

    def register(judge: Judge) -> Judge:
        _JUDGES[declare(identifier, says, severity)] = judge
        return judge

    return register


def judge_all(inventory: Inventory) -> Iterator[Finding]:
    """Yield what breaks any of the rules whose modules are loaded.

    Args:
        inventory: What the trees hold and deploy.
    """
    for declared, judge in _JUDGES.items():
        for flaw in judge(inventory):
            yield declared.finding(flaw)
