"""Checking sealed manifests without the vault: what a pipeline or a contributor can see.

That a value unseals to the right plaintext can't be seen here. Everything else can, since a manifest is a pure function
of the catalogue's entry and its sealed values: rendering it again has to give the same bytes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from generator.errors import CatalogueError
from generator.findings import Finding, Severity
from generator.secrets.catalogue.model import CERTIFICATE, MOST_SECRET_BYTES, USER_CATALOGUE, Derived, Generator
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.sealing.crypto import sealed_bytes, split
from generator.secrets.sealing.files import sealed_files
from generator.secrets.sealing.leaving import secret_of
from generator.secrets.sealing.manifest import Sealed, SealedManifest, parse, render
from generator.secrets.vault.keys import certificate_end, certificate_public_key, key_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from generator.secrets.catalogue.model import Secret

MISSING = "secrets/missing"
"""Rule: a secret of the catalogue has no sealed manifest."""
CERTIFICATE_NOTICE = timedelta(days=90)
"""How long before the sealing certificate's end a person is told: the new key has to be brought to the cluster."""
_SEAL = "Run `fmc seal`."
_FOREIGN = "this manifest was not written by `fmc seal`"


def verify_manifests(root: Path) -> list[Finding]:
    """Compare the sealed manifests of a repository with its catalogue and its sealing certificate.

    Args:
        root: Folder that holds `secrets/`.

    Returns:
        All findings; those of the catalogue alone if it can't be used.

    Raises:
        BadInputError: There is no catalogue.
    """
    try:
        catalogue = read_catalogue(root)
    except CatalogueError as error:
        return list(error.findings)
    present = set(sealed_files(root))
    unasked = sorted(present - {secret.manifest_path for secret in catalogue.secrets})
    findings = [_unasked(path, (root / path).read_bytes()) for path in unasked]
    expected = [secret for secret in catalogue.secrets if secret.manifest_path in present]
    findings += (_missing(secret) for secret in catalogue.secrets if secret.manifest_path not in present)
    if not expected:
        return findings
    try:
        key = certificate_public_key((root / CERTIFICATE).read_bytes())
    except (OSError, ValueError):
        message = "the sealing certificate is missing or can't be read"
        fix = f"Restore it (git log {CERTIFICATE}), or delete what is left of it and run `fmc seal`, which writes it."
        return [*findings, Finding(CERTIFICATE, 0, "secrets/certificate", message, fix=fix)]
    for secret in expected:
        findings += _check(secret, (root / secret.manifest_path).read_bytes(), key_fingerprint(key), key.key_size // 8)
    return findings


def verify_certificate(root: Path, now: datetime) -> Iterator[Finding]:
    """Yield a warning where the sealing certificate is near its end, or past it: nothing is sealed to it from then on.

    It stops no delivery: what is sealed still opens, and a push brings the next certificate. One that can't be read is
    the business of `verify_manifests`.

    Args:
        root: Folder that holds `secrets/`.
        now: The present, UTC.
    """
    end = sealing_certificate_end(root)
    if end is None or now < end - CERTIFICATE_NOTICE:
        return
    message = (
        f"the sealing certificate {'ends' if now <= end else 'ended'} on {end:%Y-%m-%d}: then nothing is sealed to it"
    )
    fix = "Replace the key in time: `fmc keys rekey`, and what it says then. No value changes by that."
    yield Finding(CERTIFICATE, 0, "secrets/certificate-ends", message, fix=fix, severity=Severity.WARNING)


def sealing_certificate_end(root: Path) -> datetime | None:
    """Return when the committed sealing certificate ends, UTC; None where there is none that can be read.

    Args:
        root: Folder that holds `secrets/`.
    """
    try:
        return certificate_end((root / CERTIFICATE).read_bytes())
    except (OSError, ValueError):
        return None


def _unasked(path: str, content: bytes) -> Finding:
    """Return the finding about a sealed manifest that no entry of the catalogue has."""
    if parse(content.decode(errors="replace")):
        message = "no secret of the catalogue has this sealed manifest"
        fix = "Run `fmc seal`: it deletes the manifest, if this cluster's vault sealed it."
        return Finding(path, 0, "secrets/unexpected", message, fix=fix)
    return Finding(
        path, 0, "secrets/foreign", f"{_FOREIGN}, and no secret of the catalogue is it", fix=foreign_fix(path)
    )


def foreign_fix(path: str) -> str:
    """Return both ways out for a sealed manifest that fmc did not write."""
    secret_id = secret_of(path) or "NAMESPACE/NAME"
    return (
        f"Adopt it: give {secret_id} an entry in {USER_CATALOGUE}, and run `fmc seal --prefer-git {secret_id}`. "
        f"Or move it away: `git mv {path}` to a folder outside of secrets/ that Argo CD deploys."
    )


def _missing(secret: Secret) -> Finding:
    return Finding(
        secret.file,
        secret.line,
        MISSING,
        f"{secret.id} is in the catalogue and has no sealed manifest",
        fix="Run `fmc seal`; supply its external values if it is still pending then.",
        severity=Severity.WARNING,
    )


def _check(secret: Secret, content: bytes, certificate: str, key_bytes: int) -> list[Finding]:
    file = secret.manifest_path
    manifest = parse(content.decode(errors="replace"))
    if manifest is None:
        fix = (
            f"`fmc seal --prefer-git {secret.id}` takes its values over, where they can be; "
            f"`fmc seal --prefer-vault {secret.id}` replaces it."
        )
        return [Finding(file, 0, "secrets/foreign", _FOREIGN, fix=fix)]
    findings = [*_place(secret, manifest), *_keys(secret, manifest)]
    if manifest.sealed.certificate != certificate:
        message = f"it is sealed to {manifest.sealed.certificate}, the committed certificate is {certificate}"
        fix = (
            f"Run `fmc seal`, which seals to the key in use; if it refuses the certificate, see git log {CERTIFICATE}."
        )
        findings.append(Finding(file, 0, "secrets/sealing-key", message, fix=fix))
    for key, ciphertext in manifest.sealed.ciphertexts.items():
        if damage := _damage(ciphertext, key_bytes):
            message = f"the sealed value of {key} is damaged: {damage}"
            findings.append(
                Finding(file, manifest.lines[key], "secrets/ciphertext", message, path=key, fix=_restore(secret))
            )
    findings += _size(secret, manifest)
    return findings or list(_edited(secret, manifest.sealed, content))


def _restore(secret: Secret) -> str:
    return f"Restore the file (git log {secret.manifest_path}), or seal it anew: `fmc seal --prefer-vault {secret.id}`."


def _size(secret: Secret, manifest: SealedManifest) -> Iterator[Finding]:
    """Yield an error for what the controller could unseal, and the API server would refuse."""
    total = sum(sealed_bytes(ciphertext) for ciphertext in manifest.sealed.ciphertexts.values())
    if total > MOST_SECRET_BYTES:
        message = f"its values have {total} bytes together, and Kubernetes takes {MOST_SECRET_BYTES} for a Secret"
        fix = "Keep what is that large elsewhere, or distribute it over several Secrets."
        yield Finding(secret.manifest_path, 0, "secrets/size", message, path=secret.id, fix=fix)


def _damage(ciphertext: str, key_bytes: int) -> str:
    try:
        wrapped, _ = split(ciphertext)
    except ValueError as error:
        return str(error)
    if len(wrapped) != key_bytes:
        return f"its session key has {len(wrapped)} bytes, that of the certificate {key_bytes}"
    return ""


def _place(secret: Secret, manifest: SealedManifest) -> Iterator[Finding]:
    if (manifest.namespace, manifest.name) != (secret.namespace, secret.name):
        message = f"it names {manifest.namespace}/{manifest.name}; here only {secret.id} can be unsealed"
        yield Finding(secret.manifest_path, 0, "secrets/place", message, fix=_restore(secret))


def _keys(secret: Secret, manifest: SealedManifest) -> Iterator[Finding]:
    file, present = secret.manifest_path, manifest.sealed.ciphertexts
    for key in sorted(set(present) - set(secret.data)):
        message = f"{key} is sealed here, and the catalogue has no such key"
        yield Finding(file, manifest.lines[key], "secrets/keys", message, path=key, fix=_SEAL)
    for key in sorted(set(secret.data) - set(present)):
        datum = secret.data[key]
        may_wait = isinstance(datum, Derived) and secret.values[datum.source].generator is Generator.EXTERNAL
        severity = Severity.WARNING if may_wait else Severity.ERROR
        message = f"{key} is in the catalogue and not sealed here"
        yield Finding(file, 0, "secrets/keys", message, path=key, fix=_SEAL, severity=severity)


def _edited(secret: Secret, sealed: Sealed, content: bytes) -> Iterator[Finding]:
    expected = render(secret, sealed)
    if content == expected:
        return
    pairs = zip(content.splitlines(), expected.splitlines(), strict=False)
    same = next((index for index, (found, wanted) in enumerate(pairs) if found != wanted), None)
    line = same + 1 if same is not None else min(content.count(b"\n"), expected.count(b"\n")) + 1
    message = "this is not what the catalogue says: either one was changed after the last `fmc seal`"
    yield Finding(secret.manifest_path, line, "secrets/edited", message, fix=_SEAL)
