"""`fmc keys`: the sealing keys, as the cluster wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.pipeline.steps.session import Session
    from generator.secrets.vault.plaintext import Plaintext


def export(session: Session) -> Plaintext:
    """Return the sealing keys as the Secrets that the cluster's controller loads; nothing is written.

    Args:
        session: The workspace.

    Raises:
        FmcError: The workspace has no catalogue, its vault can't be opened, or its keys are not the repository's.
    """
    from generator.secrets.export import export_keys

    return export_keys(session.store)
