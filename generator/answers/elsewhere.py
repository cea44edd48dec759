"""Answers that were changed in the repositories alone: by somebody else's fmc, or by `copier update`.

Three versions of each answer are compared, as git does with lines: the one that all was rendered from here last, the
person's, and the one that the repositories record now.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from generator.answers.parts import OWN, shown
from generator.errors import ConflictError
from generator.findings import Flaw, Severity, declare
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.answers.load import LoadedAnswers
    from generator.findings import Finding

CHANGED_ELSEWHERE = declare(
    "answers/changed-elsewhere",
    "An answer that was changed in the repositories alone is taken from there.",
    Severity.WARNING,
)


def changed_elsewhere(
    mine: LoadedAnswers, last: Mapping[str, object], recorded: Sequence[LoadedAnswers]
) -> dict[str, object]:
    """Return the answers that the repositories record, and that a person's answers have as they were before.

    Args:
        mine: The person's answers; what an option says is newer than all else.
        last: What the repositories were rendered from here last.
        recorded: What each repository records; where they differ among themselves, the person decides.

    Raises:
        ConflictError: An answer was changed on both sides.
    """
    taken: dict[str, object] = {}
    conflicts: dict[str, object] = {}
    for name, value in mine.data.items():
        if name in OWN or name in mine.document.options or name not in last or not recorded:
            continue
        theirs = recorded[0].data[name]
        if any(other.data[name] != theirs for other in recorded) or theirs in (value, last[name]):
            continue
        (taken if value == last[name] else conflicts)[name] = theirs
    if conflicts:
        raise _conflict(mine, conflicts)
    return taken


def as_options(values: Mapping[str, object]) -> dict[str, str]:
    """Return answers as `--set` takes them."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def findings(before: LoadedAnswers, taken: Mapping[str, object]) -> tuple[Finding, ...]:
    """Say which answers were taken from the repositories.

    Args:
        before: The person's answers without them.
        taken: The answers.
    """
    found = []
    for name, value in taken.items():
        file, line = before.document.place(name)
        message = f"{name} is {shown(before.data[name])} here, and was changed in the repositories to {shown(value)}"
        back = as_options({name: before.data[name]})[name]
        fix = f"It was taken from there. To go back, run {command('fmc', 'new', '--set', f'{name}={back}')}."
        found.append(CHANGED_ELSEWHERE.finding(Flaw(file, line, message, path=name, fix=fix)))
    return tuple(found)


def _conflict(mine: LoadedAnswers, theirs: Mapping[str, object]) -> ConflictError:
    said = [f"{name} is {shown(mine.data[name])} here, and {shown(value)} there" for name, value in theirs.items()]
    keep, take = (
        command(*(word for name, text in as_options(values).items() for word in ("--set", f"{name}={text}")))
        for values in ({name: mine.data[name] for name in theirs}, theirs)
    )
    return ConflictError(
        f"{mine.document.file} was changed, and so were the answers in the repositories: {'; '.join(said)}",
        where=mine.document.file,
        fix=f"Say which one counts: {keep} keeps yours, {take} takes what the repositories have.",
    )
