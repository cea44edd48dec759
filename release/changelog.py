"""CHANGELOG.md, in the format of Keep a Changelog 1.1.0: https://keepachangelog.com/en/1.1.0/."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.errors import BadInputError

if TYPE_CHECKING:
    from datetime import date

FILE = "CHANGELOG.md"
_HEADING = "## Unreleased"
_SECTION = re.compile(rf"(?ms)^{_HEADING}\n(?P<notes>.*?)(?=^## |\Z)")


def notes(text: str) -> str:
    """Return what stands under "Unreleased".

    Raises:
        BadInputError: There is no such heading, or not one of it, or no entry below it.
    """
    found = [match["notes"].strip() for match in _SECTION.finditer(text)]
    if len(found) != 1:
        raise BadInputError(
            f"the heading '{_HEADING}' stands {len(found)} times in {FILE}",
            where=FILE,
            fix=f"Let '{_HEADING}' stand once, above the newest version.",
        )
    if not re.search(r"(?m)^- ", found[0]):
        raise BadInputError(
            f"nothing stands under '{_HEADING}' in {FILE}: a release says what is new",
            where=FILE,
            fix=f"Add a line for each change that a user notices, below '{_HEADING}', and commit it.",
        )
    return found[0]


def release(text: str, version: str, day: date) -> str:
    """Return the changelog with everything unreleased under a heading of its own, and an empty "Unreleased" above it.

    Args:
        text: The changelog as it is.
        version: The version, without "v".
        day: The day of the release.

    Raises:
        BadInputError: As `notes` does.
    """
    released = notes(text)
    return (
        _SECTION.sub(lambda _: f"{_HEADING}\n\n## {version} - {day.isoformat()}\n\n{released}\n\n", text).rstrip()
        + "\n"
    )
