"""`fmc vault`: who opens the vault, and two copies of it made one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from generator.pipeline.steps.session import Session
    from generator.secrets.merge import Choice, MergeReport
    from generator.secrets.recipients import RecipientRow


def recipients(session: Session) -> tuple[RecipientRow, ...]:
    """List who opens the vault.

    Args:
        session: The workspace.

    Raises:
        FmcError: The vault can't be opened.
    """
    from generator.secrets.recipients import list_recipients

    return list_recipients(session.store)


def add(session: Session, public_key: str) -> bool:
    """Let somebody open the vault from now on; return whether that is new.

    Args:
        session: The workspace.
        public_key: Theirs.

    Raises:
        FmcError: It is no public key, or the vault can't be opened or written.
    """
    from generator.secrets.recipients import add_recipient

    with session.workspace.locked():
        return add_recipient(session.store, public_key)


def remove(session: Session, public_key: str) -> None:
    """Encrypt the vault to somebody no more.

    Args:
        session: The workspace.
        public_key: Theirs.

    Raises:
        FmcError: They can't be taken out, or the vault can't be opened or written.
    """
    from generator.secrets.recipients import remove_recipient

    with session.workspace.locked():
        remove_recipient(session.store, public_key)


def merge(session: Session, other: Path, choice: Choice) -> MergeReport:
    """Take what another copy of the vault has newer, or besides.

    Args:
        session: The workspace.
        other: The other copy.
        choice: What a person decided about values that don't follow each other.

    Raises:
        DisputeError: There are such values, and nobody said which counts; nothing was written.
        FmcError: They are no copies of one vault, or one can't be opened.
    """
    from generator.secrets.merge import merge_vaults

    with session.workspace.locked():
        return merge_vaults(session.store, other, choice, datetime.now(UTC))
