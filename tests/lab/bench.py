"""What site.yml took, as a table: minutes and changes of each run, and the seconds of each role."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.operator import Play

_LEFT, _COLUMN = 24, 10


def table(plays: Mapping[str, Play]) -> list[str]:
    """Return the lines of the table.

    Args:
        plays: The runs, by what stands above their columns.
    """
    roles = sorted(
        {role for play in plays.values() for role in play.roles},
        key=lambda role: -max(play.roles.get(role, 0.0) for play in plays.values()),
    )
    rows = {
        "site.yml": list(plays),
        "minutes": [f"{play.seconds / 60:.1f}" for play in plays.values()],
        "changed tasks": [str(play.changed) for play in plays.values()],
    } | {
        f"{role or 'outside of roles'}, s": [
            f"{play.roles[role]:.1f}" if role in play.roles else "-" for play in plays.values()
        ]
        for role in roles
    }
    return [left.ljust(_LEFT) + "".join(cell.rjust(_COLUMN) for cell in cells) for left, cells in rows.items()]
