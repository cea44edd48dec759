"""Checking sealed manifests against the vault: what only its owner can see.

Whoever can write to the repository can seal a value of their own to the committed certificate, and such a manifest is
well-formed. The vault's keys open every value and its marks tell who sealed it, so it says what `fmc seal` would do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError, CatalogueError
from generator.findings import Finding, Severity
from generator.secrets.catalogue.model import CATALOGUE, CERTIFICATE, Derived, Generator
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.making.age import due_at, noticed_at
from generator.secrets.sealing.disputes import NO_PREFERENCE
from generator.secrets.sealing.files import content_of, sealed_snapshot
from generator.secrets.sealing.leaving import leaving
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.verifying.without_vault import foreign_fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.sealing.reconcile import Reconciled
    from generator.secrets.sealing.takeover import Snapshot
    from generator.secrets.vault.model import Vault


def verify_with_vault(root: Path, vault: Vault, now: datetime, delivered: Sequence[Snapshot] = ()) -> list[Finding]:
    """Compare the certificate and each sealed value of a repository with the vault.

    What can be seen without the vault (`verify_manifests`) is not said again.

    Args:
        root: Folder that holds `secrets/`.
        vault: The vault.
        now: The present, UTC: certificates are due for renewal some time before their end.
        delivered: Sealed manifests of commits, by path below the root.

    Returns:
        All findings; none if the catalogue has findings, which are not the vault's business.

    Raises:
        BadInputError: There is no catalogue, or a sealed manifest can't be read.
    """
    try:
        catalogue = read_catalogue(root)
    except CatalogueError:
        return []
    if catalogue.cluster != vault.cluster:
        message = f"the catalogue is of the cluster {catalogue.cluster}, the vault of {vault.cluster}"
        fix = "Restore the catalogue (git log secrets/catalogue.yaml), or render it anew with this cluster's answers."
        return [Finding(CATALOGUE, 0, "secrets/vault", message, path="cluster", fix=fix)]
    committed = sealed_snapshot(root)
    try:
        certificate, trees = content_of(root / CERTIFICATE), (committed, *delivered)
        due = reconcile(catalogue, vault, certificate, now.replace(microsecond=0), {}, trees)
    except BadInputError as error:
        return [Finding(error.where or "", 0, "secrets/vault", error.message, fix=error.fix or "")]
    left = leaving(catalogue, due.vault, committed, NO_PREFERENCE)
    return [
        *(dispute.finding() for dispute in (*due.disputes, *left.disputes)),
        *(_imitated(path) for path in left.foreign if parse(committed[path].decode(errors="replace"))),
        *(elsewhere.finding() for elsewhere in due.elsewhere),
        *_behind(catalogue, due),
        *_outdated(catalogue, committed, due),
        *_due(catalogue, vault, now),
    ]


def _imitated(path: str) -> Finding:
    message = "this manifest has the marks of `fmc seal`, and was not sealed from this cluster's vault"
    return Finding(path, 0, "secrets/foreign", message, fix=foreign_fix(path))


def _behind(catalogue: Catalogue, due: Reconciled) -> Iterator[Finding]:
    """Yield a warning for each value that Git has a newer one of than the vault: it is right to deliver it."""
    for secret in catalogue.secrets:
        for name in secret.values:
            if f"{secret.id}: {name}" in due.taken:
                yield Finding(
                    secret.manifest_path,
                    0,
                    "secrets/vault-behind",
                    f"another copy of the vault replaced {name} of {secret.id}: this vault has an older one",
                    path=f"{secret.id}: {name}",
                    fix="Run `fmc seal`: it takes the newer one over.",
                    severity=Severity.WARNING,
                )


def _due(catalogue: Catalogue, vault: Vault, now: datetime) -> Iterator[Finding]:
    """Yield a warning for each value that is due; a certificate in its last days is outdated already."""
    for entry in catalogue.entries:
        for name, value in entry.values.items():
            record = vault.values.get(entry.id, {}).get(name)
            told, due = (noticed_at(value, record), due_at(value, record)) if record else (None, None)
            if told is None or due is None or now < told:
                continue
            is_certificate = value.generator is Generator.CERTIFICATE
            if is_certificate and now >= due:
                continue
            message = f"{name} of {entry.id} is due on {due:%Y-%m-%d}"
            fix = f"`fmc rotate {entry.id}:{name}` replaces it."
            if is_certificate:
                message = f"the certificate {name} of {entry.id} is to be renewed by {due:%Y-%m-%d}"
                fix = "`fmc renew` replaces what is due, and delivers it."
            path = f"{entry.id}: {name}"
            yield Finding(entry.file, value.line, "secrets/due", message, path, fix=fix, severity=Severity.WARNING)


def _outdated(catalogue: Catalogue, committed: Snapshot, due: Reconciled) -> Iterator[Finding]:
    """Yield each sealed value that the next `fmc seal` would replace, unless a person has to decide about it."""
    disputed = {(dispute.secret, dispute.value) for dispute in due.disputes}
    for secret in catalogue.secrets:
        file = secret.manifest_path
        manifest = parse(committed.get(file, b"").decode(errors="replace"))
        wanted = due.vault.sealed.get(secret.id, {})
        for key, ciphertext in manifest.sealed.ciphertexts.items() if manifest else ():
            datum = secret.data.get(key)
            if isinstance(datum, Derived) and (secret.id, datum.source) in disputed:
                continue
            if manifest and key in wanted and wanted[key].ciphertext != ciphertext:
                message = f"what is sealed here for {key} is not what the vault has now"
                yield Finding(file, manifest.lines[key], "secrets/outdated", message, path=key, fix="Run `fmc seal`.")
