"""Sealing a person's own SealedSecrets, which fmc does not write, to the key in use: the sealed texts alone change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.files import write_atomic
from generator.inputs import read_bounded
from generator.secrets.sealing.crypto import Sealer, load_private_keys
from generator.secrets.sealing.documents import opened, sealed_documents
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.trust import active_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from generator.secrets.store import Store

_LARGEST = 4 << 20  # bytes


@dataclass(frozen=True)
class Resealed:
    """What became of a file with SealedSecrets of one's own.

    Attributes:
        file: The file.
        changed: `namespace/name: key` of what is sealed to the key in use from now on.
        closed: `namespace/name: key` of what no key of the vault opens, or is written over several lines; it stays.
    """

    file: Path
    changed: tuple[str, ...]
    closed: tuple[str, ...]


def reseal(store: Store, files: Iterable[Path]) -> tuple[Resealed, ...]:
    """Seal what files hold to the key in use; what is so already, and what fmc writes, stays as it is.

    Args:
        store: Where the vault and the catalogue lie.
        files: Files that may hold SealedSecrets.

    Returns:
        The files that hold some that are not sealed to the key in use.

    Raises:
        BadInputError: A file can't be read, or the catalogue can't be used.
        VaultError: There is no vault, or it can't be opened.
        WriteError: The disk refused; files that were changed are whole.
    """
    catalogue = store.catalogue()
    vault = store.open(catalogue.cluster)
    key = active_key(catalogue, vault)
    sealer, active = Sealer(key.certificate.encode()), load_private_keys([key.private_key])
    others = load_private_keys(one.private_key for one in vault.sealing_keys if one.name != key.name)
    done = []
    for file in files:
        content = read_bounded(file, _LARGEST)
        if parse(content.decode(errors="replace")):
            continue
        try:
            documents = sealed_documents(content)
        except ValueError:
            continue
        changed, closed = [], []
        for document in documents:
            for name, ciphertext in document.ciphertexts.items():
                if opened(active, ciphertext, document.label):
                    continue
                plaintext = opened(others, ciphertext, document.label)
                if plaintext and ciphertext.encode() in content:
                    content = content.replace(ciphertext.encode(), sealer.seal(plaintext, document.label).encode())
                    changed.append(f"{document.id}: {name}")
                else:
                    closed.append(f"{document.id}: {name}")
        if changed:
            write_atomic(file, content)
        if changed or closed:
            done.append(Resealed(file, tuple(changed), tuple(closed)))
    return tuple(done)
