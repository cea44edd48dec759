"""`fmc seal`: make the secrets that are missing, and bring the sealed manifests up to date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.pipeline.steps.delivered import delivered_secrets
from generator.secrets.restarts import write_restarts
from generator.secrets.seal import GitState, seal_repository
from generator.secrets.sealing.disputes import NO_PREFERENCE

if TYPE_CHECKING:
    from pathlib import Path

    from generator.console import Console
    from generator.pipeline.steps.session import Session
    from generator.secrets.seal import SealReport
    from generator.secrets.sealing.disputes import Preference


def seal(
    session: Session, console: Console, preference: Preference = NO_PREFERENCE
) -> tuple[SealReport, tuple[Path, ...]]:
    """Make the secrets that are missing, and bring the sealed manifests up to date; nothing is committed.

    Args:
        session: The workspace.
        console: Is told about progress.
        preference: Which side counts where vault and Git hold values that don't follow each other.

    Returns:
        What was done, and the files in which pods have another revision to restart with now.

    Raises:
        DisputeError: There are such values, and nobody said which side counts.
        FmcError: The workspace has no catalogue, or its vault can't be opened or written.
    """
    store = session.store
    with console.step("make and seal the secrets"), session.workspace.locked():
        git = GitState(delivered=delivered_secrets(session.repositories.targets, store.root), preference=preference)
        report = seal_repository(store, session.supplied, datetime.now(UTC), git=git)
        return report, write_restarts(store.root, session.repositories.folders.workloads)
