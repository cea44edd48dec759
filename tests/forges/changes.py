"""What `fmc remotes create` does with a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.forges.compare import differences

if TYPE_CHECKING:
    from generator.forges.compare import Aim
    from generator.forges.locate import Place


def rules_and_change(place: Place, aim: Aim) -> list[str]:
    """Return which rules a repository breaks, and change what can be changed."""
    found = differences(place, aim)
    for one in found:
        if one.change:
            one.change()
    return [one.rule.id for one in found]
