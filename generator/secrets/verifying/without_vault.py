"""Checking sealed manifests without the vault: what a pipeline or a contributor can see.

That a value unseals to the right plaintext can't be seen here. Everything else can, since a manifest is a pure function
of the catalogue's entry and its sealed values: rendering it again has to give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import CatalogueError
from generator.findings import Finding, Severity
from generator.secrets.catalogue.model import CATALOGUE, CERTIFICATE, SEALED_SUFFIX, Derived, Generator
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.sealing.crypto import split
from generator.secrets.sealing.manifest import Manifest, Sealed, parse, render
from generator.secrets.vault.keys import certificate_public_key, key_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue, Secret

MISSING = "secrets/missing"
"""Rule: a secret of the catalogue has no sealed manifest."""
_SEAL = "Run `fmc seal`."


def verify_manifests(root: Path, catalogue: Catalogue | None = None) -> list[Finding]:
    """Compare the sealed manifests of a repository with its catalogue and its sealing certificate.

    Args:
        root: Folder that holds `secrets/`.
        catalogue: The catalogue, where the caller has read it already.

    Returns:
        All findings; those of the catalogue alone if it can't be used.

    Raises:
        BadInputError: There is no catalogue.
    """
    try:
        catalogue = catalogue or read_catalogue(root)
    except CatalogueError as error:
        return list(error.findings)
    present = set(sealed_files(root))
    findings = [
        Finding(path, 0, "secrets/unexpected", "no secret of the catalogue has this sealed manifest", fix=_SEAL)
        for path in sorted(present - {secret.manifest_path for secret in catalogue.secrets})
    ]
    expected = [secret for secret in catalogue.secrets if secret.manifest_path in present]
    findings += (_missing(secret) for secret in catalogue.secrets if secret.manifest_path not in present)
    if not expected:
        return findings
    try:
        key = certificate_public_key((root / CERTIFICATE).read_bytes())
    except (OSError, ValueError):
        message = "the sealing certificate is missing or can't be read"
        return [*findings, Finding(CERTIFICATE, 0, "secrets/certificate", message, fix=_SEAL)]
    for secret in expected:
        findings += _check(secret, (root / secret.manifest_path).read_bytes(), key_fingerprint(key), key.key_size // 8)
    return findings


def is_sealed_file(path: str) -> bool:
    """Tell whether a path in a repository is one that sealing alone writes: a sealed manifest, or the certificate."""
    return path.endswith(SEALED_SUFFIX) or f"/{path}".endswith(f"/{CERTIFICATE}")


def sealed_files(root: Path) -> list[str]:
    """Return the paths of all sealed manifests below `secrets/`, relative to the root, sorted."""
    found = (path for path in (root / "secrets").rglob(f"*{SEALED_SUFFIX}") if path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in found)


def _missing(secret: Secret) -> Finding:
    return Finding(
        CATALOGUE,
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
        return [Finding(file, 0, "secrets/foreign", "this manifest was not written by `fmc seal`", fix=_SEAL)]
    findings = [*_place(secret, manifest), *_keys(secret, manifest)]
    if manifest.sealed.certificate != certificate:
        message = f"it is sealed to {manifest.sealed.certificate}, the committed certificate is {certificate}"
        findings.append(Finding(file, 0, "secrets/sealing-key", message, fix=_SEAL))
    for key, ciphertext in manifest.sealed.ciphertexts.items():
        if damage := _damage(ciphertext, key_bytes):
            message = f"the sealed value of {key} is damaged: {damage}"
            findings.append(Finding(file, manifest.lines[key], "secrets/ciphertext", message, path=key, fix=_SEAL))
    return findings or list(_edited(secret, manifest.sealed, content))


def _damage(ciphertext: str, key_bytes: int) -> str:
    try:
        wrapped, _ = split(ciphertext)
    except ValueError as error:
        return str(error)
    if len(wrapped) != key_bytes:
        return f"its session key has {len(wrapped)} bytes, that of the certificate {key_bytes}"
    return ""


def _place(secret: Secret, manifest: Manifest) -> Iterator[Finding]:
    if (manifest.namespace, manifest.name) != (secret.namespace, secret.name):
        message = f"it names {manifest.namespace}/{manifest.name}; here only {secret.id} can be unsealed"
        yield Finding(secret.manifest_path, 0, "secrets/place", message, fix=_SEAL)


def _keys(secret: Secret, manifest: Manifest) -> Iterator[Finding]:
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
