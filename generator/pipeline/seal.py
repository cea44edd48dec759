"""`fmc seal`: make the secrets that are missing, and bring the sealed manifests up to date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.secrets.seal import seal_repository

if TYPE_CHECKING:
    from generator.console import Console
    from generator.pipeline.steps.session import Session
    from generator.secrets.seal import SealReport


def seal(session: Session, console: Console) -> SealReport:
    """Make the secrets that are missing, and bring the sealed manifests up to date; nothing is committed.

    Args:
        session: The workspace.
        console: Is told about progress.

    Raises:
        FmcError: The workspace has no catalogue, or its vault can't be opened or written.
    """
    store = session.store
    with console.step("make and seal the secrets"), session.workspace.locked():
        return seal_repository(store, session.supplied, datetime.now(UTC))
