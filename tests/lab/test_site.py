"""site.yml from the first to the last stage, again, and only looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator, Play


def test_every_host_is_converged(converged: Play, lab: Lab) -> None:
    assert set(converged.recap) == set(lab.hosts)
    assert not [name for name, row in converged.recap.items() if row.failed or row.unreachable]
    assert converged.changed


def test_a_second_run_changes_nothing(converged: Play, operator: Operator, measured: dict[str, Play]) -> None:
    again = measured["again"] = operator.converge("site")
    assert not again.changed, again.out


def test_looking_at_a_converged_lab_finds_nothing_to_change(
    converged: Play, operator: Operator, measured: dict[str, Play]
) -> None:
    look = measured["--check"] = operator.converge("site", "--check")
    assert not look.changed, look.out
