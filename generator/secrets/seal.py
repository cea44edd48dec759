"""Sealing a repository: catalogue and vault in, vault, certificate and sealed manifests out.

The vault is written first. It holds the sealed values, too, so a run that is killed anywhere after that gives the same
files when it is started again. Nothing but `secrets/sealing-cert.pem` and `secrets/**/*.sealed.yaml` is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from generator.errors import BadInputError, VaultError
from generator.files import remove_leftovers, write_atomic, write_error
from generator.findings import Finding, Severity
from generator.secrets.catalogue.model import CATALOGUE, CERTIFICATE, Generator
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.identities import Recipients, recipients_for_new_vault
from generator.secrets.vault.keys import certificate_fingerprint, generate_sealing_key
from generator.secrets.vault.model import Vault
from generator.secrets.vault.needles import needles
from generator.secrets.verifying.without_vault import sealed_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.sealing.reconcile import Pending, Reconciled
    from generator.secrets.store import Store
    from generator.secrets.vault.keys import SealingKey


@dataclass(frozen=True)
class SshPublicKey:
    """A public key that the Git server has to know: whose it is, and its line of authorized_keys."""

    secret: str
    value: str
    line: str


@dataclass(frozen=True)
class SealReport:
    """What a run of `seal_repository` did.

    Attributes:
        catalogue: The catalogue that was sealed.
        made: Secrets (`namespace/name`) that were sealed for the first time.
        changed: Secrets of which at least one value was sealed anew, or dropped.
        kept: Secrets whose sealed values are what they were.
        pending: External values that nobody has supplied yet.
        written: Files whose bytes are others now, below the repository part's root.
        deleted: Sealed manifests that the catalogue no longer asks for.
        vault_written: Whether the vault changed.
        key_fingerprint: Of the sealing key in use.
        ssh_public_keys: Public keys to be given to the Git server.
        identity_created: The operator's identity file, if it was made just now.
        recovery_identity: The recovery identity file, if the vault was made just now with it as a recipient: the user
            has to move it offline.
        vault: The vault as it is now.
    """

    catalogue: Catalogue
    made: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    pending: tuple[Pending, ...]
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    vault_written: bool
    key_fingerprint: str
    ssh_public_keys: tuple[SshPublicKey, ...]
    identity_created: Path | None
    recovery_identity: Path | None
    vault: Vault = field(repr=False)

    def plaintexts(self) -> tuple[bytes, ...]:
        """Return what must be found in no tree, commit or log, see `leaks.needles`."""
        return needles(self.vault)

    def warnings(self) -> list[Finding]:
        """Return a finding for each value that is pending."""
        return [self._warning(pending) for pending in self.pending]

    def _warning(self, pending: Pending) -> Finding:
        state = "sealed without its new keys" if pending.secret in self.vault.sealed else "not sealed"
        variable = f"Set {pending.env}, or type it into" if pending.env else "Type it into"
        return Finding(
            CATALOGUE,
            pending.line,
            "secrets/pending",
            f"{pending.secret} is {state}: nobody has supplied its value {pending.value}",
            path=f"{pending.secret}: {pending.value}",
            fix=f"{variable} `fmc secret set {pending.secret} {pending.value}`; then run `fmc seal`.",
            severity=Severity.WARNING,
        )


def seal_repository(
    store: Store,
    external_values: Mapping[str, str],
    now: datetime,
    prepared_key: SealingKey | None = None,
) -> SealReport:
    """Make every secret that is missing and bring the sealed manifests up to date.

    Args:
        store: Where they lie; a vault that is not there is made, with its keys and identities.
        external_values: Values that the user supplies, by name of environment variable.
        now: The present, UTC; fractions of a second are dropped.
        prepared_key: Sealing key for a new vault, if one was made in advance.

    Raises:
        BadInputError: The catalogue is missing or has findings, or the committed certificate is not the vault's.
        VaultError: The vault can't be opened, or is missing although the repository was sealed before.
        WriteError: The disk refused; what was written is complete, and the next run goes on.
    """
    catalogue = store.catalogue()
    certificate = _content(store.root / CERTIFICATE)
    recipients: Recipients | None = None
    if store.vault.exists():
        before = store.open(catalogue.cluster)
        vault = before
    else:
        _require_unsealed(certificate, store.vault)
        recipients = recipients_for_new_vault(store.identities)
        before = None
        vault = Vault.new(
            catalogue.cluster, catalogue.key_name, prepared_key or generate_sealing_key(), recipients.public_keys
        )
    result = reconcile(catalogue, vault, certificate, now.replace(microsecond=0), external_values)
    if result.vault != before:
        save_vault(store.vault, result.vault)
    names = (CERTIFICATE, *(secret.manifest_path for secret in catalogue.secrets))
    for path in (store.vault, *(store.root / name for name in names)):
        remove_leftovers(path)
    written, deleted = _write_files(store.root, result)
    return SealReport(
        catalogue=catalogue,
        made=result.made,
        changed=result.changed,
        kept=result.kept,
        pending=result.pending,
        written=written,
        deleted=deleted,
        vault_written=result.vault != before,
        key_fingerprint=certificate_fingerprint(result.key.certificate.encode()),
        ssh_public_keys=_ssh_public_keys(catalogue, result.vault),
        identity_created=recipients.created if recipients else None,
        recovery_identity=recipients.recovery if recipients else None,
        vault=result.vault,
    )


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInputError(f"can't read {path}: {error.strerror}", where=str(path)) from error


def _require_unsealed(certificate: bytes | None, vault_path: Path) -> None:
    if certificate is not None:
        raise VaultError(
            f"there is no vault at {vault_path}, and the repository is sealed already",
            where=str(vault_path),
            fix=f"Bring the vault back from a backup. To start over with new secrets, delete {CERTIFICATE}: "
            "a running cluster then needs the new sealing key.",
        )


def _write_files(root: Path, result: Reconciled) -> tuple[tuple[str, ...], tuple[str, ...]]:
    written = []
    for name, content in {CERTIFICATE: result.key.certificate.encode(), **result.manifests}.items():
        if _content(root / name) != content:
            write_atomic(root / name, content)
            written.append(name)
    deleted = [name for name in sealed_files(root) if name not in result.manifests]
    for name in deleted:
        _delete(root / name)
    return tuple(written), tuple(deleted)


def _delete(path: Path) -> None:
    try:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    except OSError as error:
        raise write_error(path, error) from error


def _ssh_public_keys(catalogue: Catalogue, vault: Vault) -> tuple[SshPublicKey, ...]:
    return tuple(
        SshPublicKey(secret.id, name, vault.values[secret.id][name].public["public"])
        for secret in catalogue.secrets
        for name, value in secret.values.items()
        if value.generator is Generator.SSH_KEY
    )
