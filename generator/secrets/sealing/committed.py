"""What Git holds of one secret: its sealed values, opened with the vault's keys, and whether a vault sealed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.secrets.sealing.crypto import load_private_keys
from generator.secrets.sealing.documents import as_sealed, kubernetes_objects, opened
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.marks import sealed_mark
from generator.secrets.vault.lineage import Lineage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric import rsa

    from generator.secrets.catalogue.scope import Scope
    from generator.secrets.vault.model import Vault
    from generator.secrets.vault.plaintext import Plaintext


@dataclass(frozen=True)
class CommittedSecret:
    """A SealedSecret as it stands in Git.

    Attributes:
        by_fmc: Whether it has the shape and the annotations that `fmc seal` gives it.
        scope: What its values are bound to.
        label: The same, as it is sealed with them.
        certificate: Fingerprint of the sealing key that it names; "" where fmc did not write it.
        marks: Keyed mark of each sealed value, by key of the Secret.
        ciphertexts: Sealed value, by key of the Secret.
        lineages: Text of the lineage of each value, by name of the value.
        lines: Line of each sealed value, by key of the Secret.
    """

    by_fmc: bool
    scope: Scope
    label: bytes
    certificate: str
    marks: Mapping[str, str]
    ciphertexts: Mapping[str, str]
    lineages: Mapping[str, str]
    lines: Mapping[str, int]

    def lineage(self, value: str) -> Lineage | None:
        """Return the lineage that it names for a value, if it names one."""
        try:
            return Lineage.parse(self.lineages[value])
        except (KeyError, ValueError):
            return None


def read_committed(content: bytes, namespace: str, name: str) -> CommittedSecret | None:
    """Read a SealedSecret, whoever wrote it.

    Args:
        content: The file.
        namespace: Namespace of the Secret that it has to be.
        name: Name of that Secret.

    Returns:
        The manifest; None if it is no single SealedSecret, or another one.
    """
    text = content.decode(errors="replace")
    if manifest := parse(text):
        if (manifest.namespace, manifest.name) != (namespace, name):
            return None
        sealed = manifest.sealed
        return CommittedSecret(
            by_fmc=True,
            scope=manifest.scope,
            label=manifest.scope.label(namespace, name),
            certificate=sealed.certificate,
            marks=sealed.fingerprints,
            ciphertexts=sealed.ciphertexts,
            lineages=sealed.lineages,
            lines=manifest.lines,
        )
    return _foreign(content, namespace, name)


def _foreign(content: bytes, namespace: str, name: str) -> CommittedSecret | None:
    try:
        objects = list(kubernetes_objects(content))
    except ValueError:
        return None
    found = as_sealed(objects[0]) if len(objects) == 1 else None
    if found is None or (found.namespace, found.name) != (namespace, name):
        return None
    return CommittedSecret(
        by_fmc=False,
        scope=found.scope,
        label=found.label,
        certificate="",
        marks={},
        ciphertexts=found.ciphertexts,
        lineages={},
        lines=found.lines,
    )


class Opener:
    """Opens sealed values with the keys of a vault, which are read on first use."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._keys: tuple[rsa.RSAPrivateKey, ...] = ()
        self._opened: dict[tuple[str, bytes], Plaintext | None] = {}

    def plaintext(self, committed: CommittedSecret, key: str) -> Plaintext | None:
        """Return what is sealed for a key of the Secret; None if no sealing key of the vault opens it."""
        return self.unsealed(committed.ciphertexts[key], committed.label)

    def unsealed(self, ciphertext: str, label: bytes) -> Plaintext | None:
        """Return the plaintext of a sealed value; None if no sealing key of the vault opens it."""
        self._keys = self._keys or load_private_keys(key.private_key for key in self._vault.sealing_keys)
        if (ciphertext, label) not in self._opened:
            self._opened[ciphertext, label] = opened(self._keys, ciphertext, label)
        return self._opened[ciphertext, label]

    def lineage(self, secret_id: str, committed: CommittedSecret, value: str, keys: Iterable[str]) -> Lineage | None:
        """Return the lineage of a value, if a copy of this vault sealed all that is derived from it.

        Args:
            secret_id: `namespace/name` of the secret.
            committed: What Git holds of it.
            value: Name of the value.
            keys: The keys of the Secret that are derived from it and sealed there.
        """
        lineage = committed.lineage(value)
        if lineage and all(self.is_ours(secret_id, committed, key, committed.lineages[value]) for key in keys):
            return lineage
        return None

    def is_ours(self, secret_id: str, committed: CommittedSecret, key: str, lineage: str) -> bool:
        """Return whether a copy of this vault sealed what stands there for a key, as part of that lineage."""
        plaintext = self.plaintext(committed, key)
        return plaintext is not None and committed.marks.get(key) == sealed_mark(
            self._vault.fingerprint_key, secret_id, key, lineage, plaintext, committed.scope
        )


def is_ours(committed: CommittedSecret, secret_id: str, opener: Opener) -> bool:
    """Return whether copies of this vault sealed all of a secret, with no entry of the catalogue to compare it with."""
    lineages = ("", *committed.lineages.values())
    return committed.by_fmc and all(
        any(opener.is_ours(secret_id, committed, key, lineage) for lineage in lineages) for key in committed.ciphertexts
    )
