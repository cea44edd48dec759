"""The annotation that names Secrets and their revisions, in the text of a manifest: found, read and written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.secrets.sealing.manifest import PREFIX
from generator.secrets.vault.lineage import INITIAL, PENDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ANNOTATION = f"{PREFIX}restart-with"
# A word of a plain scalar; in front of several no character stands that means something in YAML.
_WORD = r"""[^\s"'#{}\[\],&*!|>%@`]+"""
_MARK = re.compile(
    rf"""{re.escape(ANNOTATION)}["']?[ \t]*:[ \t]*"""
    rf"""(?:"(?P<double>[^"\\\n]*)"|'(?P<single>[^'\n]*)'|(?P<plain>{_WORD}(?: {_WORD})*)(?=[ \t]*$|[ \t]+#))""",
    re.MULTILINE,
)
NAMED = re.compile(rf"{re.escape(ANNOTATION)}[\"']?[ \t]*:")
# What may stand behind the name of a key, in a block or in braces.
OPTIONAL = r"""["']?[ \t]*[,\n][ \t]*optional:[ \t]*"""


def find_marks(text: str) -> Iterator[re.Match[str]]:
    """Yield the annotations that can be read, but for those in comments."""
    return (found for found in _MARK.finditer(text) if not is_comment(text, found.start()))


def is_comment(text: str, position: int) -> bool:
    """Return whether a position lies in a line that is a comment."""
    return text[text.rfind("\n", 0, position) + 1 : position].lstrip().startswith("#")


def entries(mark: re.Match[str]) -> list[str]:
    """Return what an annotation names: `namespace/name`, or `namespace/name=revision`."""
    return (mark["double"] or mark["single"] or mark["plain"] or "").split()


def optional_value(revision: str) -> str:
    """Return what `optional` is behind a key with a revision: no container waits for a value that is not there yet."""
    return "true" if revision == PENDING else "false"


def with_revisions(text: str, known: Mapping[str, str]) -> str:
    """Return a text whose annotations and keys have these revisions, by `namespace/name`."""
    return _with_revisions(text, lambda secret, revision: known.get(secret, revision))


def without_revisions(text: str) -> str:
    """Return a text whose annotations and keys have empty revisions, for comparisons."""
    return _with_revisions(text, lambda _secret, _revision: "")


def _with_revisions(text: str, wanted: Callable[[str, str], str]) -> str:
    """Return a text with other revisions in its annotations, in the quotes that they have, and in names of keys.

    Args:
        text: The text.
        wanted: Returns the revision that a Secret is to have, given its `namespace/name` and what stands there.
    """
    parts, end, keys = [], 0, {}
    for found in find_marks(text):
        kind = next(name for name in ("double", "single", "plain") if found[name] is not None)
        written = []
        for entry in entries(found):
            secret, _, stands = entry.partition("=")
            revision = wanted(secret, stands or INITIAL)
            # One that never had a revision gets it with the first value that is replaced.
            is_right = revision == (stands or INITIAL)
            written.append(entry if is_right else f"{secret}={revision}")
            keys[_key(secret, stands or INITIAL)] = _key(secret, revision)
        if written and written != entries(found):
            parts += [text[end : found.start(kind)], " ".join(written)]
            end = found.end(kind)
    after = "".join([*parts, text[end:]])
    for old, new in keys.items():
        after = re.sub(rf"(?<![-._A-Za-z0-9]){re.escape(old)}(?![-_A-Za-z0-9]|\.[-_A-Za-z0-9])", new, after)
        optional = optional_value(new.rpartition(".")[2])
        after = re.sub(rf"(\bkey:[ \t]*[\"']?{re.escape(new)}{OPTIONAL})(?:true|false)", rf"\g<1>{optional}", after)
    return after


def _key(secret: str, revision: str) -> str:
    return f"{secret.partition('/')[2]}.{revision}"
