"""Checking the secrets of a repository: what anybody can see, and with the vault what its owner alone can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.secrets.verifying.with_vault import verify_with_vault
from generator.secrets.verifying.without_vault import (
    MISSING,
    sealing_certificate_end,
    verify_certificate,
    verify_manifests,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from generator.findings import Finding
    from generator.secrets.sealing.takeover import Snapshot
    from generator.secrets.vault.model import Vault

__all__ = ["MISSING", "sealing_certificate_end", "verify_secrets"]


def verify_secrets(root: Path, vault: Vault | None, now: datetime, delivered: Sequence[Snapshot] = ()) -> list[Finding]:
    """Compare catalogue, certificate and sealed manifests with each other, and with the vault where there is one.

    Args:
        root: Folder that holds `secrets/`.
        vault: The vault, where it can be opened.
        now: The present, UTC: certificates, the sealing key's too, are replaced some time before they end.
        delivered: Sealed manifests of commits, by path below the root: the work tree must not fall behind them.

    Raises:
        BadInputError: There is no catalogue, or a file can't be read.
    """
    findings = [*verify_manifests(root), *verify_certificate(root, now)]
    return findings if vault is None else findings + verify_with_vault(root, vault, now, delivered)
