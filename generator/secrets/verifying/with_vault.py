"""Checking sealed manifests against the vault: what only its owner can see.

Whoever can write to the repository can seal a value of their own to the committed certificate, and such a manifest is
well-formed. The vault knows every sealed value that fmc ever wrote, so no sealing key is needed to find it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError, CatalogueError
from generator.findings import Finding
from generator.secrets.catalogue.model import CERTIFICATE
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.reconcile import reconcile, require_own_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from generator.secrets.catalogue.model import Secret
    from generator.secrets.vault.model import SealedRecord, Vault


def verify_with_vault(root: Path, vault: Vault, now: datetime) -> list[Finding]:
    """Compare the certificate and each sealed value of a repository with the vault.

    What can be seen without the vault (`verify_manifests`) is not said again.

    Args:
        root: Folder that holds `secrets/`.
        vault: The vault.
        now: The present, UTC: certificates are due for renewal some time before their end.

    Returns:
        All findings; none if the catalogue has findings, which are not the vault's business.

    Raises:
        BadInputError: There is no catalogue.
    """
    try:
        catalogue = read_catalogue(root)
    except CatalogueError:
        return []
    certificate = root / CERTIFICATE
    try:
        if certificate.is_file():
            require_own_certificate(certificate.read_bytes(), vault)
        wanted = reconcile(catalogue, vault, None, now.replace(microsecond=0), {}).vault.sealed
    except BadInputError as error:
        return [Finding(error.where or "", 0, "secrets/vault", error.message, fix=error.fix or "")]
    return [finding for secret in catalogue.secrets for finding in _compare(root, secret, vault, wanted)]


def _compare(
    root: Path, secret: Secret, vault: Vault, wanted: Mapping[str, Mapping[str, SealedRecord]]
) -> Iterator[Finding]:
    file = secret.manifest_path
    manifest = parse((root / file).read_text(errors="replace")) if (root / file).is_file() else None
    if manifest is None:
        return
    ours, next_ones = vault.sealed.get(secret.id, {}), wanted.get(secret.id, {})
    for key, ciphertext in manifest.sealed.ciphertexts.items():
        line = manifest.lines[key]
        if key not in ours or ours[key].ciphertext != ciphertext:
            yield Finding(
                file,
                line,
                "secrets/not-the-vaults",
                f"the sealed value of {key} is not the vault's: another person sealed it, or it is of another time",
                path=key,
                fix=f"Find out who changed it (git log {file}), then run `fmc seal`.",
            )
        elif key in next_ones and next_ones[key] != ours[key]:
            message = f"the vault has a newer value for {key} than the one that is sealed here"
            yield Finding(file, line, "secrets/outdated", message, path=key, fix="Run `fmc seal`.")
