"""Which of two values is the newer one: each names those that it replaced, so no clock and no counter decides.

Several operators have a copy of the vault each, and a copy can be an old one. A value therefore gets a revision, and
remembers the revisions that it descends from. The sealed manifest carries both, under the vault's key, so that any
two copies of a value are either the same, one the descendant of the other, or made without knowing of each other: then
a person has to decide.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.secrets.vault.fingerprint import REVISION, fingerprint
from generator.secrets.vault.record import Record, Time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.secrets.vault.plaintext import Plaintext

INITIAL = "initial"
"""What the values of a secret are as a whole until one of them was replaced for the first time."""
PENDING = "pending"
"""What they are before that, as long as the secret waits for a value that somebody has to supply."""
_CONTENT_CHARACTERS = 7
_CHANCE_BYTES = 3
_MOST_ANCESTORS = 24
"""A copy of the vault that is older than so many replacements of a value is no longer known to be older."""


class Lineage(Record, frozen=True, kw_only=True):
    """Where a value stands among its predecessors.

    Attributes:
        created: When the value was made or supplied, UTC, whole seconds.
        revision: Keyed digest of the value and its place, and some random characters: a value that is set once more
            later is another revision.
        ancestors: Revisions that it replaced, nearest first, as far as they are remembered.
    """

    created: Time
    revision: str
    ancestors: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """Return the part of the revision that follows from the value and its place alone."""
        return self.revision[:_CONTENT_CHARACTERS]

    def descends_from(self, other: Lineage) -> bool:
        """Return whether this value replaced the other one, at once or after some more."""
        return other.revision in self.ancestors

    def covers(self, other: Lineage) -> bool:
        """Return whether this is the other value, or replaced it."""
        return self.revision == other.revision or self.descends_from(other)

    def had(self, content: str) -> bool:
        """Return whether a value with that content was replaced on the way to this one."""
        return any(ancestor[:_CONTENT_CHARACTERS] == content for ancestor in self.ancestors)

    def text(self) -> str:
        """Return it as it stands in a sealed manifest: time of making (seconds since 1970), revision, ancestors."""
        return ",".join((str(int(self.created.timestamp())), self.revision, *self.ancestors))

    @classmethod
    def parse(cls, text: str) -> Lineage:
        """Read what `text` returned.

        Raises:
            ValueError: It is something else.
        """
        created, revision, *ancestors = text.split(",")
        try:
            moment = datetime.fromtimestamp(int(created), UTC)
        except (OverflowError, OSError) as error:
            raise ValueError("no time") from error
        return cls(created=moment, revision=revision, ancestors=tuple(ancestors))


def whole_revision(lineages: Iterable[str]) -> str:
    """Return what tells the values of a secret as a whole from those of before and after; it says nothing of them.

    Args:
        lineages: The texts of their lineages, in the order of their names.

    Returns:
        Letters, digits, `-`, `_` and `.`, as in a key of a Secret.
    """
    found = []
    for text in lineages:
        try:
            lineage = Lineage.parse(text)
        except ValueError:
            continue
        if lineage.ancestors:
            found.append(lineage.revision)
    return ".".join(found) or INITIAL


def content_digest(key: Plaintext, secret_id: str, value: str, content: Plaintext) -> str:
    """Return what the revision of such a value begins with.

    Args:
        key: The vault's fingerprint key.
        secret_id: `namespace/name` of the secret.
        value: Name of the value within it.
        content: The plaintext.
    """
    digest = fingerprint(key, REVISION, secret_id.encode(), value.encode(), content.reveal())
    return digest[:_CONTENT_CHARACTERS]


def descendant(content: str, created: datetime, parents: Iterable[Lineage]) -> Lineage:
    """Return the lineage of a value that replaces others.

    Args:
        content: Digest of the new value, see `content_digest`.
        created: When it was made, UTC, whole seconds.
        parents: What it replaces; nothing for the first one.
    """
    replaced = list(parents)
    ancestors = dict.fromkeys(parent.revision for parent in replaced)
    for parent in replaced:
        ancestors.update(dict.fromkeys(parent.ancestors))
    return Lineage(
        created=created,
        revision=content + secrets.token_urlsafe(_CHANCE_BYTES),
        ancestors=tuple(ancestors)[:_MOST_ANCESTORS],
    )
