"""Sealing a repository: catalogue and vault in, vault, certificate and sealed manifests out.

The vault is written first. It holds the sealed values, too, so a run that is killed anywhere after that gives the same
files when it is started again. Nothing but `secrets/sealing-cert.pem` and `secrets/**/*.sealed.yaml` is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from generator.errors import BadInputError, DisputeError
from generator.files import followed, remove_leftovers, write_atomic, write_error
from generator.findings import Finding, Severity
from generator.secrets.catalogue.model import CERTIFICATE, Generator
from generator.secrets.sealing.disputes import NO_PREFERENCE, Preference
from generator.secrets.sealing.files import content_of, sealed_snapshot
from generator.secrets.sealing.leaving import leaving, secret_of
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.history import remember
from generator.secrets.vault.keys import certificate_fingerprint
from generator.secrets.vault.needles import needles
from generator.secrets.vault.opening import open_or_make
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.sealing.leaving import Leaving
    from generator.secrets.sealing.reconcile import Reconciled
    from generator.secrets.sealing.renewal import ValueId
    from generator.secrets.sealing.secret_sealer import Elsewhere, Pending
    from generator.secrets.sealing.takeover import Snapshot
    from generator.secrets.store import Store
    from generator.secrets.vault.keys import SealingKey
    from generator.secrets.vault.model import Vault


@dataclass(frozen=True)
class SshPublicKey:
    """A public key that the Git server has to know: whose it is, and its line of authorized_keys."""

    secret: str
    value: str
    line: str


@dataclass(frozen=True)
class GitState:
    """What Git holds besides the files that are sealed, and what a person decided about it.

    Attributes:
        replaces: Folder whose content the root is about to replace; None where the root is the work tree itself.
        delivered: Sealed manifests of commits, by path below the root: the last commit, what the remote had.
        preference: Which side counts where vault and Git don't follow each other.
    """

    replaces: Path | None = None
    delivered: tuple[Snapshot, ...] = ()
    preference: Preference = NO_PREFERENCE


_NO_GIT = GitState()


@dataclass(frozen=True)
class SealReport:
    """What a run of `seal_repository` did.

    Attributes:
        made: Secrets (`namespace/name`) that were sealed for the first time.
        changed: Secrets of which at least one value was sealed anew, or dropped.
        kept: Secrets whose sealed values are what they were.
        made_for_machines: Secrets of the machines (`machines/name`) of which a value was made; they are sealed nowhere.
        taken: `namespace/name: value` of each value that Git had a newer one of.
        pending: External values that nobody has supplied yet.
        elsewhere: Values that another copy of the vault alone has.
        written: Files whose bytes are others now, below the repository part's root.
        deleted: Sealed manifests that the catalogue no longer asks for.
        key_fingerprint: Of the sealing key in use.
        ssh_public_keys: Public keys to be given to the Git server.
        identity_created: The operator's identity file, if it was made just now.
        recovery_identity: The recovery identity file, if it became a recipient just now: the user has to move it
            offline.
        recipients_added: age public keys that the vault is encrypted to from now on, as the answers say.
        recipients_removed: age public keys that later copies of the vault are no longer encrypted to.
        vault: The vault as it is now.
    """

    made: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    made_for_machines: tuple[str, ...]
    taken: tuple[str, ...]
    pending: tuple[Pending, ...]
    elsewhere: tuple[Elsewhere, ...]
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    key_fingerprint: str
    ssh_public_keys: tuple[SshPublicKey, ...]
    identity_created: Path | None
    recovery_identity: Path | None
    recipients_added: tuple[str, ...]
    recipients_removed: tuple[str, ...]
    vault: Vault = field(repr=False)

    def plaintexts(self) -> tuple[bytes, ...]:
        """Return what must be found in no tree, commit or log, see `vault.needles`."""
        return needles(self.vault)

    def warnings(self) -> list[Finding]:
        """Return a finding for each value that is pending, or that another copy of the vault alone has."""
        waiting = [self._pending(pending) for pending in self.pending]
        return waiting + [elsewhere.finding() for elsewhere in self.elsewhere]

    def _pending(self, pending: Pending) -> Finding:
        state = "sealed without its new value" if pending.secret in self.vault.sealed else "not sealed"
        variable = f"Set {pending.env}, or type it into" if pending.env else "Type it into"
        then = "; then run `fmc seal`"
        if pending.is_for_machines:
            state, then = "not complete", ""
        return Finding(
            pending.file,
            pending.line,
            "secrets/pending",
            f"{pending.secret} is {state}: nobody has supplied its value {pending.value}",
            path=f"{pending.secret}: {pending.value}",
            fix=f"{variable} `fmc secret set {pending.secret} {pending.value}`{then}.",
            severity=Severity.WARNING,
        )


def seal_repository(
    store: Store,
    external_values: Mapping[str, str],
    now: datetime,
    prepared_key: SealingKey | None = None,
    git: GitState = _NO_GIT,
    renewed: Mapping[ValueId, bytes | None] = MappingProxyType({}),
) -> SealReport:
    """Make every secret that is missing and bring the sealed manifests up to date.

    Args:
        store: Where they lie; a vault that is not there is made, with its keys and identities.
        external_values: Values that the user supplies, by name of environment variable.
        now: The present, UTC; fractions of a second are dropped.
        prepared_key: Sealing key for a new vault, if one was made in advance.
        git: What Git holds besides the files below the root, and what a person decided about it.
        renewed: Values that are to be replaced; with the new one, where a person gave it.

    Raises:
        BadInputError: The catalogue is missing or has findings, the committed certificate is not the vault's, or a
            preference names an unknown secret.
        DisputeError: Vault and Git hold values that don't follow each other, and no preference says which counts;
            nothing was written.
        VaultError: The vault can't be opened, or is missing although the repository was sealed before.
        WriteError: The disk refused; what was written is complete, and the next run goes on.
    """
    catalogue = store.catalogue()
    old = git.replaces or store.root
    certificate = content_of(old / CERTIFICATE)
    opened = open_or_make(store.vault, store.identities, catalogue, prepared_key, is_sealed=certificate is not None)
    present = sealed_snapshot(old)
    committed = [present, *git.delivered]
    if opened.before is None:
        # Whoever starts over with a new vault can't open what the lost one sealed.
        committed = [_without_marks(snapshot) for snapshot in committed]
    _require_known(git.preference, catalogue, present)
    moment = now.replace(microsecond=0)
    result = reconcile(
        catalogue, opened.vault, certificate, moment, external_values, committed, git.preference, renewed
    )
    left = leaving(catalogue, result.vault, present, git.preference)
    if disputes := (*result.disputes, *left.disputes):
        raise DisputeError(
            "vault and Git hold secrets that don't follow each other; nothing was written",
            [dispute.finding() for dispute in disputes],
            fix="Decide about each one as said above, then run the same command again.",
        )
    vault = remember(opened.before, result.vault)
    if vault != opened.before:
        save_vault(store.vault, vault)
    remove_leftovers(
        followed(store.vault),
        store.root / CERTIFICATE,
        *(store.root / secret.manifest_path for secret in catalogue.secrets),
    )
    stay = _what_stays(catalogue, result, committed, left)
    written = _write_files(store.root, {CERTIFICATE: result.key.certificate.encode(), **stay, **result.manifests})
    deleted = [name for name in left.deleted if (store.root / name).is_file()]
    for name in deleted:
        _delete(store.root / name)
    return SealReport(
        made=result.made,
        changed=result.changed,
        kept=result.kept,
        made_for_machines=result.made_for_machines,
        taken=result.taken,
        pending=result.pending,
        elsewhere=result.elsewhere,
        written=written,
        deleted=tuple(deleted),
        key_fingerprint=certificate_fingerprint(result.key.certificate.encode()),
        ssh_public_keys=_ssh_public_keys(catalogue, vault),
        identity_created=opened.identity_created,
        recovery_identity=opened.recovery,
        recipients_added=opened.added,
        recipients_removed=opened.removed,
        vault=vault,
    )


def _without_marks(snapshot: Snapshot) -> dict[str, bytes]:
    return {name: content for name, content in snapshot.items() if not parse(content.decode(errors="replace"))}


def _require_known(preference: Preference, catalogue: Catalogue, present: Snapshot) -> None:
    known = {secret.id for secret in catalogue.secrets} | {secret_of(path) for path in present}
    for name in sorted(preference.vault | preference.git):
        if name not in known:
            raise BadInputError(f"there is no secret {name} to decide about", fix=did_you_mean(name, sorted(known)))
    if both := preference.vault & preference.git:
        raise BadInputError(f"{min(both)} can't be both, the vault's and Git's", fix="Give one of the two options.")


def _what_stays(
    catalogue: Catalogue, result: Reconciled, committed: Sequence[Snapshot], left: Leaving
) -> dict[str, bytes]:
    """Return the manifests that are not fmc's to change now: pending ones, and those that it did not write."""
    pending = (secret.manifest_path for secret in catalogue.secrets if secret.manifest_path not in result.manifests)
    stay = {}
    for path in (*pending, *left.foreign):
        content = next((snapshot[path] for snapshot in committed if path in snapshot), None)
        if content is not None:
            stay[path] = content
    return stay


def _write_files(root: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write the files whose bytes differ, and return their names."""
    written = []
    for folder in {(root / name).parent for name in files}:
        _require_inside(root, folder)
    for name, content in files.items():
        if content_of(root / name) != content:
            write_atomic(root / name, content)
            written.append(name)
    return tuple(written)


def _require_inside(root: Path, folder: Path) -> None:
    """Refuse to follow a link out of the repository: whoever can commit one could have fmc write anywhere."""
    if not folder.resolve().is_relative_to(root.resolve()):
        raise BadInputError(
            f"{folder} leads out of the repository", where=str(folder), fix="Remove that link, and restore the folder."
        )


def _delete(path: Path) -> None:
    try:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    except OSError as error:
        raise write_error(path, error) from error


def _ssh_public_keys(catalogue: Catalogue, vault: Vault) -> tuple[SshPublicKey, ...]:
    return tuple(
        SshPublicKey(secret.id, name, record.public["public"])
        for secret in catalogue.secrets
        for name, value in secret.values.items()
        if value.generator is Generator.SSH_KEY and (record := vault.values.get(secret.id, {}).get(name))
    )
