"""When a backup and a drill are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from generator.backup.due import note_date, noted_date, reminders
from generator.findings import Severity

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def due(folder: Path, vault: int = 365, **days: int) -> dict[str, str]:
    """The findings where so many days have passed since the vault was made, and since each note."""
    for name, passed in days.items():
        note_date(folder / name, NOW - timedelta(days=passed))
    found = list(reminders(lambda name: folder / name, NOW - timedelta(days=vault), NOW))
    assert all(finding.severity is Severity.WARNING and f"`fmc {finding.path[:5]}" in finding.fix for finding in found)
    return {finding.rule: finding.message for finding in found}


@pytest.mark.parametrize(
    ("days", "rules"),
    [
        ({"backup": 30, "drill": 90}, []),
        ({"backup": 31, "drill": 0}, ["backup/due"]),
        ({"backup": 0, "drill": 91}, ["backup/drill-due"]),
        ({"drill": 1}, ["backup/due"]),
        ({}, ["backup/due", "backup/drill-due"]),
    ],
)
def test_what_is_old_or_missing_is_due(tmp_path: Path, days: dict[str, int], rules: list[str]) -> None:
    assert list(due(tmp_path, **days)) == rules


def test_the_date_is_said(tmp_path: Path) -> None:
    assert due(tmp_path, backup=40, drill=100) == {
        "backup/due": "the last backup was made on 2026-10-21",
        "backup/drill-due": "the last drill that went well was on 2026-08-22",
    }


def test_a_new_vault_has_a_week(tmp_path: Path) -> None:
    assert due(tmp_path, vault=7) == {}
    assert list(due(tmp_path, vault=8)) == ["backup/due", "backup/drill-due"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"made": 7}', b'{"made": "2026-11-30T00:00:00"}', b"\xff"])
def test_a_note_that_nobody_can_read_is_none(tmp_path: Path, content: bytes) -> None:
    note = tmp_path / "note"
    note.write_bytes(content)
    assert noted_date(note) is None
