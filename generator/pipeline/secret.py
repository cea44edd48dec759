"""`fmc secret`: list the secrets of a cluster; set, show or rename one, and tell its versions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.pipeline.steps.session import Session
    from generator.secrets.adopt import Adopted
    from generator.secrets.listing import SecretRow
    from generator.secrets.rename import Mention
    from generator.secrets.set_value import SetReport
    from generator.secrets.show import Shown
    from generator.secrets.versions import Version

_LARGEST = 4 << 20  # bytes


def list_values(session: Session) -> tuple[SecretRow, ...]:
    """List every value of the catalogue, without plaintexts.

    Args:
        session: The workspace; without the operator's identity the list tells what the repository alone shows.

    Raises:
        FmcError: The workspace has no catalogue, or its vault can't be opened with the identity that is there.
    """
    from generator.secrets.listing import list_secrets

    return list_secrets(session.store, datetime.now(UTC))


def set_one(session: Session, secret: str, value: str | None, content: bytes) -> SetReport:
    """Put one value into the vault.

    Args:
        session: The workspace.
        secret: `namespace/name` of the secret.
        value: Name of the value within it; None where there is only one.
        content: What was typed or piped.

    Raises:
        FmcError: There is no such value, the content can't be one, or the vault can't be opened or written.
    """
    from generator.pipeline.steps.delivered import delivered_secrets
    from generator.secrets.set_value import set_value

    store = session.store
    with session.workspace.locked():
        delivered = delivered_secrets(session.repositories.targets, store.root)
        return set_value(store, secret, value, content, datetime.now(UTC), session.supplied, delivered)


def import_one(session: Session, file: Path) -> Adopted:
    """Adopt the SealedSecrets and Secrets of a file.

    Args:
        session: The workspace.
        file: The file; `-` for what is piped in.

    Raises:
        FmcError: One of them can't be adopted, or the vault can't be opened or written.
    """
    import stat

    from generator.inputs import read_bounded
    from generator.secrets.adopt import adopt

    source = Path("/dev/stdin") if str(file) == "-" else file
    content = read_bounded(source, _LARGEST)
    is_piped = not stat.S_ISREG(source.stat().st_mode)
    with session.workspace.locked():
        return adopt(session.store, content, str(file), datetime.now(UTC), is_piped=is_piped)


def show_one(session: Session, secret: str, value: str | None, *, public: bool = False, version: int = 0) -> Shown:
    """Return one value in the clear; nothing is written.

    Args:
        session: The workspace.
        secret: `namespace/name` of the secret.
        value: Name of the value within it; None where there is only one.
        public: Whether the public half of a key pair is meant.
        version: Which one: 0 counts, 1 is the one before it, and so on.

    Raises:
        FmcError: There is no such value, or the vault can't be opened.
    """
    from generator.pipeline.steps.delivered import delivered_secrets
    from generator.secrets.show import show_value

    store = session.store
    delivered = delivered_secrets(session.repositories.targets, store.root)
    return show_value(store, secret, value, datetime.now(UTC), delivered, public=public, version=version)


def history_of(session: Session, secret: str, value: str | None) -> tuple[str, tuple[Version, ...]]:
    """List the versions of a value that the vault has, the one that counts first, without plaintexts.

    Args:
        session: The workspace.
        secret: `namespace/name` of the secret.
        value: Name of the value within it; None where there is only one.

    Raises:
        FmcError: There is no such value, or the vault can't be opened.
    """
    from generator.secrets.versions import list_versions

    return list_versions(session.store, secret, value)


def rename_one(session: Session, old: str, new: str) -> tuple[Mention, ...]:
    """Give a secret of one's own another name, with the values that it has.

    Args:
        session: The workspace.
        old: `namespace/name` of the secret.
        new: What it is to be called.

    Returns:
        Where its old name stands, for people to change.

    Raises:
        FmcError: It can't be renamed, or the vault can't be opened or written.
    """
    from generator.secrets.rename import mentions, rename

    with session.workspace.locked():
        rename(session.store, old, new)
    return mentions(session.repositories.folders.workloads, old)
