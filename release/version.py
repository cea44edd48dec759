"""The version: `__version__` in generator/__init__.py, which pyproject.toml reads, and the tags made of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "generator/__init__.py"
_ASSIGNMENT = re.compile(r'(?m)^__version__ = "(?P<version>[^"]*)"$')
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def tag(version: str) -> str:
    """Return the tag of a version."""
    return f"v{version}"


def require_next(version: str, tags: Iterable[str]) -> None:
    """Refuse what can't be the next version; `copier update` goes to the highest tag.

    Args:
        version: The version that is asked for.
        tags: The names of all tags.

    Raises:
        BadInputError: It is no version, or not higher than each released one.
    """
    if not _VERSION.fullmatch(version):
        raise BadInputError(
            f"{version!r} is no version: three numbers with dots are (https://semver.org)",
            fix="Give it like this: make release VERSION=1.2.3",
        )
    released = [name for name in tags if name.startswith("v") and _VERSION.fullmatch(name[1:])]
    newest = max(released, key=_numbers, default="")
    if newest and _numbers(tag(version)) <= _numbers(newest):
        raise BadInputError(
            f"{version} is not higher than {newest}, which is released",
            fix=f"Choose a version above {newest[1:]}. A release is never made again: others have it.",
        )


def write(text: str, version: str) -> str:
    """Return the text of generator/__init__.py with another version.

    Raises:
        BadInputError: The assignment does not stand there once.
    """
    changed, count = _ASSIGNMENT.subn(f'__version__ = "{version}"', text)
    if count != 1:
        raise BadInputError(
            f"__version__ is assigned {count} times in {FILE}", where=FILE, fix="Let it stand there once."
        )
    return changed


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in name[1:].split("."))
