"""`fmc recover`: sealed manifests opened with any key of the vault, whoever sealed them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.inputs import read_bounded

if TYPE_CHECKING:
    from pathlib import Path

    from generator.pipeline.steps.session import Session
    from generator.secrets.recover import Opened, Recovered

_LARGEST = 4 << 20  # bytes


def opened(session: Session, files: tuple[Path, ...]) -> tuple[Opened, ...]:
    """Open sealed manifests; nothing is written.

    Args:
        session: The workspace.
        files: Where they are.

    Raises:
        FmcError: A file holds none, or the vault can't be opened.
    """
    from generator.secrets.recover import open_files

    return open_files(session.store, [(str(file), read_bounded(file, _LARGEST)) for file in files])


def recovered(session: Session, files: tuple[Path, ...]) -> Recovered:
    """Put the values of sealed manifests into the vault.

    Args:
        session: The workspace.
        files: Where they are.

    Raises:
        FmcError: A file holds none, or the vault can't be opened or written.
    """
    from generator.secrets.recover import recover

    with session.workspace.locked():
        return recover(session.store, opened(session, files), datetime.now(UTC))
