"""The text of a sealed manifest: one fixed shape, a pure function of its parts: a changed value is a changed line.

Controller and kubeseal read YAML 1.1, in which plain `y`, `1e3` or `0o10` are no texts. Every text is double-quoted
here, in ASCII, and no YAML library decides about it.

Annotations of ours carry the prefix `flatcar-microcloud.local/`. Kubernetes wants a DNS subdomain there; the project
owns none, and nobody can own one below `.local`. They stand on the SealedSecret alone and never reach the Secret:

    sealing-key    fingerprint of the certificate that every value was sealed to
    values         `key=fingerprint` of each key of the Secret, keyed by the vault: says which one changed, no more
    revisions      `value=lineage` of each value of the catalogue that they come from, see `vault.lineage`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.secrets.catalogue.scope import Scope
from generator.secrets.vault.lineage import whole_revision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.secrets.catalogue.model import Secret

PREFIX = "flatcar-microcloud.local/"
KEY_ANNOTATION = f"{PREFIX}sealing-key"
VALUES_ANNOTATION = f"{PREFIX}values"
REVISIONS_ANNOTATION = f"{PREFIX}revisions"
WAVE_ANNOTATION = "argocd.argoproj.io/sync-wave"

_HEADER = "# Written by `fmc seal` from secrets/catalogue.yaml and the vault; a change made here is lost."
# The controller looks for them in this order.
_WIDE = (Scope.CLUSTER_WIDE, Scope.NAMESPACE_WIDE)
_ESCAPED = re.compile(r"[^ !#-\[\]-~]")
_ENTRY = re.compile(r'(?P<indent> *)(?:"(?P<quoted>[^"\\]+)"|(?P<plain>[A-Za-z]+)): "(?P<value>[^"\\]*)"')


@dataclass(frozen=True)
class Sealed:
    """What makes a manifest out of a secret of the catalogue.

    Attributes:
        certificate: Fingerprint of the sealing key.
        fingerprints: Keyed fingerprint of each sealed value and its lineage, by key of the Secret.
        ciphertexts: Sealed value, by key of the Secret.
        lineages: Text of the lineage of each value that they come from, by its name in the catalogue.
    """

    certificate: str
    fingerprints: Mapping[str, str]
    ciphertexts: Mapping[str, str]
    lineages: Mapping[str, str]


@dataclass(frozen=True)
class SealedManifest:
    """A sealed manifest as it was read.

    Attributes:
        namespace: Namespace that it names.
        name: Name that it names.
        scope: What its values are bound to.
        sealed: Its sealed values and their annotations.
        lines: Line of each sealed value, by key of the Secret.
    """

    namespace: str
    name: str
    scope: Scope
    sealed: Sealed
    lines: Mapping[str, int]


def render(secret: Secret, sealed: Sealed) -> bytes:
    """Return the file of a sealed manifest.

    Args:
        secret: The entry of the catalogue.
        sealed: Its sealed values; keys in any order.
    """
    place = {"name": secret.name, "namespace": secret.namespace}
    scope = {secret.scope.annotation: "true"} if secret.scope.annotation else {}
    annotations = {
        KEY_ANNOTATION: sealed.certificate,
        VALUES_ANNOTATION: _pairs(sealed.fingerprints),
        REVISIONS_ANNOTATION: _pairs(sealed.lineages),
        **scope,
    }
    if secret.sync_wave:
        annotations[WAVE_ANNOTATION] = secret.sync_wave
    lines = [
        _HEADER,
        "---",
        'apiVersion: "bitnami.com/v1alpha1"',
        'kind: "SealedSecret"',
        "metadata:",
        *(f"  {field}: {quote(value)}" for field, value in place.items()),
        # The controller's re-encryption writes these over the template's labels; equal ones survive it.
        *_mapping("  ", "labels", secret.labels),
        *_mapping("  ", "annotations", annotations),
        "spec:",
        *_mapping("  ", "encryptedData", sealed.ciphertexts),
        "  template:",
        f"    type: {quote(secret.type)}",
        *(["    immutable: true"] if secret.immutable else []),
        "    metadata:",
        *(f"      {field}: {quote(value)}" for field, value in place.items()),
        *_mapping("      ", "labels", secret.labels),
        *_mapping("      ", "annotations", {**secret.annotations, **scope}),
        # A pod that names this key waits until the cluster has the Secret of this revision.
        *_mapping("    ", "data", revision_entry(secret, sealed)),
    ]
    return ("\n".join(lines) + "\n").encode()


def revision_entry(secret: Secret, sealed: Sealed) -> dict[str, str]:
    """Return the further key of a Secret whose name has the revision, with its content; nothing where it has none."""
    revision = whole_revision(lineage for _, lineage in sorted(sealed.lineages.items()))
    return {f"{secret.name}.{revision}": revision} if secret.revision_key else {}


def _mapping(indent: str, field: str, entries: Mapping[str, str]) -> Iterator[str]:
    if entries:
        yield f"{indent}{field}:"
    for key, value in sorted(entries.items()):
        yield f"{indent}  {quote(key)}: {quote(value)}"


def quote(text: str) -> str:
    r"""Return a YAML double-quoted scalar in ASCII that YAML 1.1 and 1.2 read alike.

    JSON's quoting is not enough: beyond the basic plane it writes surrogate pairs, which YAML takes for two characters.
    """
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in '"\\':
        return "\\" + character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def parse(text: str) -> SealedManifest | None:
    """Read what `render` wrote.

    Args:
        text: Content of a sealed manifest.

    Returns:
        Its parts; None if something is missing, so that it was written by something else. Whether the rest of it is as
        it should be is seen by rendering it again.
    """
    section: tuple[str, ...] = ()
    found: dict[tuple[str, ...], dict[str, str]] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        depth = (len(line) - len(line.lstrip(" "))) // 2
        if line.endswith(":"):
            section = (*section[:depth], line.strip()[:-1])
        elif entry := _ENTRY.fullmatch(line):
            key = entry["quoted"] or entry["plain"]
            found.setdefault(section[:depth], {})[key] = entry["value"]
            if section[:depth] == ("spec", "encryptedData"):
                lines[key] = number
    metadata = found.get(("metadata",), {})
    annotations = found.get(("metadata", "annotations"), {})
    ciphertexts = found.get(("spec", "encryptedData"), {})
    try:
        fingerprints = dict(pair.split("=") for pair in annotations[VALUES_ANNOTATION].split())
        lineages = dict(pair.split("=") for pair in annotations[REVISIONS_ANNOTATION].split())
        sealed = Sealed(annotations[KEY_ANNOTATION], fingerprints, ciphertexts, lineages)
        return SealedManifest(metadata["namespace"], metadata["name"], scope_of(annotations), sealed, lines)
    except (KeyError, ValueError):
        return None


def scope_of(annotations: Mapping[str, Any]) -> Scope:
    """Return the scope that annotations of a SealedSecret name, as the controller reads them."""
    return next((scope for scope in _WIDE if annotations.get(scope.annotation) == "true"), Scope.STRICT)


def _pairs(mapping: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(mapping.items()))
