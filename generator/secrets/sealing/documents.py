"""SealedSecrets as anybody may have written them: one or several in a file, in YAML or JSON, of any scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.errors import VaultError
from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.crypto import unseal
from generator.secrets.sealing.manifest import parse, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric import rsa

    from generator.secrets.vault.plaintext import Plaintext

KIND = b"SealedSecret"
"""What a file has to hold for a SealedSecret to be in it."""


@dataclass(frozen=True)
class SealedDocument:
    """A SealedSecret.

    Attributes:
        namespace: Namespace of its Secret.
        name: Name of its Secret.
        scope: What its values are bound to.
        ciphertexts: Sealed value, by key of the Secret.
        lines: Line of each sealed value, by key of the Secret.
        template: `spec.template`: what the Secret is made with besides.
    """

    namespace: str
    name: str
    scope: Scope
    ciphertexts: Mapping[str, str]
    lines: Mapping[str, int]
    template: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return `namespace/name` of its Secret."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> bytes:
        """Return what its values are bound to, see `Scope.label`."""
        return self.scope.label(self.namespace, self.name)


def sealed_documents(content: bytes) -> tuple[SealedDocument, ...]:
    """Return the SealedSecrets of a file; other objects in it are passed over.

    Args:
        content: The file.

    Raises:
        ValueError: It can't be read as YAML or JSON; the message quotes nothing of it.
    """
    return tuple(read for item in kubernetes_objects(content) if (read := as_sealed(item)))


def kubernetes_objects(content: bytes) -> Iterator[Any]:
    """Yield the documents of a file, and the items of a List in the List's place.

    Args:
        content: The file.

    Raises:
        ValueError: It can't be read as YAML or JSON; the message quotes nothing of it.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        for document in YAML(typ="rt").load_all(content.decode()):
            items = document.get("items") if isinstance(document, dict) else None
            yield from items if isinstance(items, list) else [document]
    # Deep nesting ends the reader's recursion.
    except (YAMLError, RecursionError, UnicodeDecodeError):
        raise ValueError("it is neither YAML nor JSON") from None


def opened(keys: Sequence[rsa.RSAPrivateKey], ciphertext: str, label: bytes) -> Plaintext | None:
    """Return what is sealed; None if none of the keys opens it.

    Args:
        keys: The keys to try.
        ciphertext: Base64, from `spec.encryptedData`.
        label: What it is bound to.
    """
    try:
        return unseal(keys, ciphertext, label)
    except VaultError:
        return None


def documents_of(content: bytes) -> tuple[SealedDocument, ...]:
    """Return the SealedSecrets of a file as `sealed_documents` does; of one that fmc wrote in a fraction of the time.

    Raises:
        ValueError: It can't be read as YAML or JSON.
    """
    manifest = parse(content.decode(errors="replace"))
    if manifest is None:
        return sealed_documents(content) if KIND in content else ()
    sealed = manifest.sealed
    place = (manifest.namespace, manifest.name, manifest.scope)
    return (SealedDocument(*place, sealed.ciphertexts, manifest.lines, {}),)


def as_sealed(item: Any) -> SealedDocument | None:
    """Return an object of `kubernetes_objects` as the SealedSecret that it is; None for any other."""
    try:
        if item["kind"] != KIND.decode():
            return None
        metadata, spec = item["metadata"], item["spec"]
        encrypted = spec["encryptedData"]
        return SealedDocument(
            str(metadata["namespace"]),
            str(metadata["name"]),
            scope_of(metadata.get("annotations") or {}),
            {str(key): str(value) for key, value in encrypted.items()},
            {str(key): encrypted.lc.key(key)[0] + 1 for key in encrypted},
            spec.get("template") or {},
        )
    # What has another shape is no SealedSecret.
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
