"""The vault on disk: one armored age file, encrypted to at least two recipients, never in the clear.

age encrypts to public keys, so saving needs no identity; opening needs one of the recipients' identities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pyrage

from generator.errors import BadInputError, NoIdentityError, VaultError
from generator.files import write_atomic
from generator.inputs import read_bounded
from generator.secrets.vault.identities import read_identities
from generator.secrets.vault.model import VERSION, Vault
from generator.secrets.vault.recipient import recipient
from generator.secrets.vault.record import InvalidContentError, from_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MINIMUM_RECIPIENTS = 2
# Bytes; a thousand secrets take less than one of these.
_LARGEST = 64 << 20
_RESTORE = (
    "Restore the vault from a backup; age stops at the first byte that was changed, so nothing of it can be used."
)


def open_vault(path: Path, identity_path: Path, *, cluster: str) -> Vault:
    """Decrypt and validate a vault.

    Args:
        path: The age file.
        identity_path: File with the identity of one of its recipients.
        cluster: Name of the cluster that it has to belong to.

    Raises:
        VaultError: The identity is missing or doesn't fit, or the file is damaged, another cluster's, of a newer
            version, or encrypted to fewer than two recipients.
    """
    vault = _parse(_decrypt(path, identity_path), path)
    if vault.cluster != cluster:
        raise VaultError(
            f"the vault belongs to the cluster {vault.cluster}, the catalogue to {cluster}",
            where=str(path),
            fix=f"Name the vault of {cluster}; each cluster has its own.",
        )
    _require_recipients(vault.recipients, path)
    return vault


def save_vault(path: Path, vault: Vault) -> None:
    """Encrypt a vault to its recipients and write it with mode 0600, whole or not at all; a link to it is followed.

    Raises:
        VaultError: It has fewer than two recipients, or one of them is no public key that age takes.
        WriteError: The disk refused.
    """
    _require_recipients(vault.recipients, path)
    recipients = [recipient(public_key, str(path)) for public_key in vault.recipients]
    write_atomic(path, pyrage.encrypt(vault.to_json().reveal(), recipients, armored=True), mode=0o600, follow=True)


def _decrypt(path: Path, identity_path: Path) -> bytes:
    try:
        encrypted = read_bounded(path, _LARGEST)
    except BadInputError as error:
        raise VaultError(
            f"{error.message}; it is the vault",
            where=str(path),
            fix="Bring it back from a backup, or name the folder that holds it with --workspace.",
        ) from error
    if not identity_path.exists():
        raise NoIdentityError(
            f"the vault {path} can't be opened: there is no identity at {identity_path}",
            where=str(identity_path),
            fix="Bring your identity file back to that place, or name another one, such as the recovery identity, "
            "in FMC_IDENTITY.",
        )
    try:
        decrypted: bytes = pyrage.decrypt(encrypted, read_identities(identity_path))
    except pyrage.DecryptError as error:
        # The one cause that pyrage tells apart, by its text alone.
        if "No matching keys" in str(error):
            raise NoIdentityError(
                f"no identity in {identity_path} opens the vault {path}",
                where=str(identity_path),
                fix="Name the identity that the vault was made with, or the recovery identity, in FMC_IDENTITY.",
            ) from None
        raise VaultError("the vault is damaged or no age file", where=str(path), fix=_RESTORE) from None
    return decrypted


def _parse(text: bytes, path: Path) -> Vault:
    try:
        document: Any = msgspec.json.decode(text)
    except ValueError:
        raise VaultError("the vault holds no JSON", where=str(path), fix=_RESTORE) from None
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise VaultError(
            f"the vault has format {version}, this fmc knows {VERSION}: a newer fmc wrote it",
            where=str(path),
            fix="Install that version of fmc, as its README.md says.",
        )
    try:
        return from_document(document, Vault)
    except InvalidContentError as error:
        raise VaultError(f"the vault's content is not valid at {error}", where=str(path), fix=_RESTORE) from None


def _require_recipients(recipients: Sequence[str], path: Path) -> None:
    if len(set(recipients)) < MINIMUM_RECIPIENTS:
        raise VaultError(
            f"the vault has {len(set(recipients))} recipient, {MINIMUM_RECIPIENTS} are needed: "
            "with one alone, a lost identity is a lost cluster",
            where=str(path),
            fix="Add the public key of a recovery identity that is kept offline.",
        )
