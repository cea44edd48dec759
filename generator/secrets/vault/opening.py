"""The vault at the beginning of a run: opened and following the answers, or made anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from generator.errors import VaultError
from generator.secrets.catalogue.model import CERTIFICATE
from generator.secrets.vault.file import open_vault
from generator.secrets.vault.identities import follow_answers, recipients_for_new_vault
from generator.secrets.vault.keys import generate_sealing_key
from generator.secrets.vault.model import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.identities import Identities
    from generator.secrets.vault.keys import SealingKey


@dataclass(frozen=True)
class Opened:
    """The vault at the beginning of a run.

    Attributes:
        vault: The vault to begin with, encrypted to whom the answers say.
        before: What is in the file; None if there is none.
        identity_created: The operator's identity file, if it was made just now.
        recovery: The recovery identity file, if it became a recipient just now.
        added: Recipients that are new.
        removed: Recipients that are no longer named.
    """

    vault: Vault
    before: Vault | None
    identity_created: Path | None = None
    recovery: Path | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def open_or_make(
    path: Path, identities: Identities, catalogue: Catalogue, prepared_key: SealingKey | None, *, is_sealed: bool
) -> Opened:
    """Open the vault of a repository, or make one in memory.

    Args:
        path: The age file.
        identities: Who opens it, and whom the answers name besides.
        catalogue: Which cluster it is for, and what its sealing key is called.
        prepared_key: Sealing key for a new vault, if one was made in advance.
        is_sealed: Whether the repository has a sealing certificate: its vault must not be replaced by a new one.

    Raises:
        VaultError: It can't be opened, or is missing although the repository is sealed.
        WriteError: The disk refused an identity file.
    """
    if path.exists():
        before = open_vault(path, identities.path, cluster=catalogue.cluster)
        change = follow_answers(before.recipients, before.answers_recipients, identities)
        vault = replace(before, recipients=change.public_keys, answers_recipients=change.named)
        return Opened(vault, before, None, change.recovery, change.added, change.removed)
    if is_sealed:
        raise VaultError(
            f"there is no vault at {path}, and the repository is sealed already",
            where=str(path),
            fix=f"Bring the vault back from a backup. To start over with new secrets, delete {CERTIFICATE}: "
            "a running cluster then needs the new sealing key.",
        )
    made = recipients_for_new_vault(identities)
    vault = Vault.new(
        catalogue.cluster, catalogue.key_name, prepared_key or generate_sealing_key(), made.public_keys, made.named
    )
    return Opened(vault, None, made.created, made.recovery)
