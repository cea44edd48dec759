"""Entries of a user's own catalogue, put into its text and cut out of it: comments, order and all else stay."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from generator.errors import BadInputError, CatalogueError
from generator.secrets.catalogue.model import CATALOGUE, USER_CATALOGUE
from generator.secrets.catalogue.read import parse_catalogue
from generator.textlists import end_of_list, trimmed, with_items, without_lines

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from generator.secrets.catalogue.model import Secret

_KEY = "secrets"
_HEAD = "version: 1\n"


def own_secrets(root: Path, content: bytes) -> tuple[Secret, ...]:
    """Return the entries of a text that is, or is to be, the user's own catalogue.

    Args:
        root: Folder that holds `secrets/`.
        content: The text.

    Raises:
        CatalogueError: It has findings.
    """
    catalogue = parse_catalogue((root / CATALOGUE).read_bytes(), where=str(root / CATALOGUE), user=content)
    return tuple(secret for secret in catalogue.secrets if secret.file == USER_CATALOGUE)


def with_entries(root: Path, content: bytes, entries: str) -> bytes:
    """Return the user's catalogue with further entries at the end of its list.

    Args:
        root: Folder that holds `secrets/`.
        content: The catalogue as it is; empty where there is none.
        entries: The entries as a list, indented by two blanks.

    Raises:
        BadInputError: The catalogue is written in a way that can't be changed here.
        CatalogueError: It has findings as it is.
    """
    before = [secret.id for secret in own_secrets(root, content)]
    changed = with_items(content.decode(), _KEY, entries, _HEAD).encode()
    added = [secret.id for secret in own_secrets(root, with_items("", _KEY, entries, _HEAD).encode())]
    _require(root, changed, [*before, *added])
    return changed


def without_entries(root: Path, content: bytes, namespaces: Collection[str]) -> tuple[bytes, str]:
    """Return the user's catalogue without the entries of some namespaces, and the text of these.

    Args:
        root: Folder that holds `secrets/`.
        content: The catalogue as it is.
        namespaces: The namespaces.

    Returns:
        The catalogue, and the entries as a list, indented by two blanks.

    Raises:
        BadInputError: The catalogue is written in a way that can't be changed here.
        CatalogueError: It has findings as it is.
    """
    secrets = own_secrets(root, content)
    leaving = [secret for secret in secrets if secret.namespace in namespaces]
    if not leaving:
        return content, ""
    lines = content.decode().splitlines(keepends=True)
    starts = sorted(secret.line - 1 for secret in secrets)
    gone: set[int] = set()
    for start in (secret.line - 1 for secret in leaving):
        end = min([*(other for other in starts if other > start), end_of_list(lines, start + 1)])
        gone |= set(range(start, trimmed(lines, start, end)))
    cut = "".join(lines[number] for number in sorted(gone))
    changed = without_lines(content.decode(), _KEY, gone, f"{_KEY}: []\n").encode()
    _require(root, changed, [secret.id for secret in secrets if secret not in leaving])
    return changed, textwrap.indent(textwrap.dedent(cut), "  ")


def _require(root: Path, changed: bytes, ids: list[str]) -> None:
    """Make sure that a changed text means what it should."""
    try:
        is_right = [secret.id for secret in own_secrets(root, changed)] == ids
    except CatalogueError:
        is_right = False
    if not is_right:
        where = str(root / USER_CATALOGUE)
        raise BadInputError(
            f"{USER_CATALOGUE} is written in a way that can't be changed for you; nothing was written",
            where=where,
            fix="Write its list `secrets` as a block, each entry beginning with `  - namespace:` in a line of its own.",
        )
