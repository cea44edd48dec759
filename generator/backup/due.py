"""When the next backup and the next drill are due, from a note of each in the workspace.

The notes lie beside the vault, not in a repository: a backup is of this copy of the vault, whoever only has the
repositories can make none, and a commit for each backup would be noise. A workspace without its vault is reminded of
nothing, therefore.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from generator.files import write_atomic
from generator.findings import Finding, Flaw, Rule, Severity, declare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_GRACE = timedelta(days=7)
"""How old a vault may be before anything is due."""


@dataclass(frozen=True)
class _Reminder:
    rule: Rule
    longest: timedelta
    last: str
    missing: str
    fix: str


_REMINDERS = {
    "backup": _Reminder(
        declare("backup/due", "The last backup is not older than 30 days.", Severity.WARNING),
        timedelta(days=30),
        "the last backup was made on",
        "there is no backup of this cluster",
        "Run `fmc backup FILE`, and keep the file on another machine.",
    ),
    "drill": _Reminder(
        declare("backup/drill-due", "A drill of the last 90 days brought all secrets back.", Severity.WARNING),
        timedelta(days=90),
        "the last drill that went well was on",
        "no drill has shown that a backup of this cluster can be used",
        "Run `fmc drill FILE` with the newest backup.",
    ),
}
"""By the name of the note."""


def note_date(note: Path, made: datetime) -> None:
    """Note when something was done.

    Raises:
        WriteError: The disk refused.
    """
    write_atomic(note, json.dumps({"made": made.isoformat(timespec="seconds")}).encode() + b"\n")


def noted_date(note: Path) -> datetime | None:
    """Return what `note_date` noted; None where there is nothing that could be read as that."""
    try:
        made = datetime.fromisoformat(json.loads(note.read_bytes())["made"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return made if made.tzinfo else None


@dataclass(frozen=True)
class Upkeep:
    """One of the two things that have to be done again and again.

    Attributes:
        name: `backup` or `drill`.
        last: When it was done last, UTC; None where that is not known.
        due: When it is due, UTC.
    """

    name: str
    last: datetime | None
    due: datetime


def upkeep(note: Callable[[str], Path], since: datetime) -> Iterator[Upkeep]:
    """Yield when a backup and a drill are due.

    Args:
        note: Where the note of a name lies.
        since: How long there has been something to back up.
    """
    for name, reminder in _REMINDERS.items():
        last = noted_date(note(name))
        yield Upkeep(name, last, last + reminder.longest if last else since + _GRACE)


def reminders(note: Callable[[str], Path], since: datetime, now: datetime) -> Iterator[Finding]:
    """Yield a warning for what is due.

    Args:
        note: Where the note of a name lies.
        since: How long there has been something to back up.
        now: The present, UTC.
    """
    for one in upkeep(note, since):
        if now > one.due:
            reminder = _REMINDERS[one.name]
            message = f"{reminder.last} {one.last:%Y-%m-%d}" if one.last else reminder.missing
            yield reminder.rule.finding(Flaw("", 0, message, path=f"{one.name}.json", fix=reminder.fix))
