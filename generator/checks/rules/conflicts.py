"""Rules about what a merge left behind: `copier update` and git write their conflicts into the files themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.checks.rule import rule
from generator.findings import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Inventory

# git's markers: seven characters at the begin of a line, then a space and a label or nothing (git-merge(1), HOW
# CONFLICTS ARE PRESENTED). Seven equals signs alone underline a heading in Markdown or reStructuredText.
_MARKER = re.compile(rb"^(?:<{7}|\|{7}|>{7})(?: .*)?\r?$", re.MULTILINE)
_OPENING = b"<<<<<<<"
_MARKS = (_OPENING, b"|||||||", b">>>>>>>")
_REJECTED = ".rej"


@rule("files/conflict-marker", "No file holds the markers of a conflict that nobody has settled.")
def conflict_marker(inventory: Inventory) -> Iterator[Flaw]:
    """Find conflicts in the text of all files, whatever they hold: a line for each of them."""
    for file in inventory.files:
        # Looked for first: a regular expression takes its time over a large file.
        if file.is_binary or not any(marker in file.content for marker in _MARKS):
            continue
        markers = list(_MARKER.finditer(file.content))
        openings = [match for match in markers if match[0].startswith(_OPENING)]
        for match in openings or markers[:1]:
            line = file.content.count(b"\n", 0, match.start()) + 1
            message = "an unsettled conflict begins here" if openings else "half of an unsettled conflict stands here"
            fix = "Keep what is right of both sides, and remove the lines with the markers."
            yield Flaw(file.name, line, message, fix=fix)


@rule("files/rejected-patch", "No patch lies about that could not be applied.")
def rejected_patch(inventory: Inventory) -> Iterator[Flaw]:
    """Find what `copier update --conflict rej` and `git apply --reject` leave."""
    for file in inventory.files:
        if file.path.suffix == _REJECTED:
            message = f"a change to {file.path.stem} could not be applied, and waits here"
            fix = f"Take over into {file.path.stem} what is missing there, then remove this file."
            yield Flaw(file.name, 0, message, fix=fix)
