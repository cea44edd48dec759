"""Opening sealed manifests with any key of the vault, whoever sealed them, to see or to keep their values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.sealing.crypto import load_private_keys
from generator.secrets.sealing.disputes import Preference
from generator.secrets.sealing.documents import documents_of, opened
from generator.secrets.sealing.takeover import take_over
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.history import remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from generator.secrets.sealing.documents import SealedDocument
    from generator.secrets.store import Store
    from generator.secrets.vault.plaintext import Plaintext


@dataclass(frozen=True)
class Opened:
    """A SealedSecret, opened.

    Attributes:
        secret: `namespace/name` of its Secret.
        values: What is sealed, by key; None for what no key of the vault opens.
        content: The SealedSecret alone.
    """

    secret: str
    values: Mapping[str, Plaintext | None] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def closed(self) -> tuple[str, ...]:
        """Return the keys of the Secret that no key of the vault opens."""
        return tuple(key for key, value in self.values.items() if value is None)


@dataclass(frozen=True)
class Recovered:
    """What came into the vault.

    Attributes:
        taken: `namespace/name: value` of each value that the vault has from now on.
        unknown: Secrets that no entry of the catalogue is for.
        closed: `namespace/name: key` of what no key of the vault opens.
    """

    taken: tuple[str, ...]
    unknown: tuple[str, ...]
    closed: tuple[str, ...]


def open_files(store: Store, files: Iterable[tuple[str, bytes]]) -> tuple[Opened, ...]:
    """Open the SealedSecrets of files; nothing is written.

    Args:
        store: Where the vault and the catalogue lie.
        files: Where each comes from, and its content: one or several documents, of any scope.

    Raises:
        BadInputError: A file holds no SealedSecret, or the catalogue can't be used.
        VaultError: There is no vault, or it can't be opened.
    """
    vault = store.open(store.catalogue().cluster)
    keys = load_private_keys(key.private_key for key in vault.sealing_keys)
    found = []
    for where, content in files:
        try:
            documents = documents_of(content)
        except ValueError:
            documents = ()
        if not documents:
            raise BadInputError(
                f"{where} holds no SealedSecret", where=where, fix="Name files whose kind is SealedSecret."
            )
        for document in documents:
            values = {key: opened(keys, ciphertext, document.label) for key, ciphertext in document.ciphertexts.items()}
            # One that fmc wrote keeps the marks by which its values are known again.
            alone = content if len(documents) == 1 and not document.template else _alone(document)
            found.append(Opened(document.id, values, alone))
    return tuple(found)


def recover(store: Store, found: Iterable[Opened], now: datetime) -> Recovered:
    """Put the values of opened SealedSecrets into the vault; a newer value of the vault stays.

    Args:
        store: Where the vault and the catalogue lie.
        found: What `open_files` returned.
        now: The present, UTC.

    Raises:
        BadInputError: The catalogue can't be used.
        VaultError: There is no vault, or it can't be opened.
        WriteError: The disk refused; the vault is as it was.
    """
    catalogue = store.catalogue()
    before = vault = store.open(catalogue.cluster)
    paths = {secret.id: secret.manifest_path for secret in catalogue.secrets}
    taken: list[str] = []
    unknown: list[str] = []
    closed: list[str] = []
    for one in found:
        closed += (f"{one.secret}: {key}" for key in one.closed)
        if one.secret not in paths:
            unknown.append(one.secret)
            continue
        snapshot = {paths[one.secret]: one.content}
        over = take_over(
            catalogue, vault, [snapshot], Preference(git=frozenset({one.secret})), now.replace(microsecond=0)
        )
        vault = over.vault
        taken += over.taken
    if taken:
        save_vault(store.vault, remember(before, vault))
    return Recovered(tuple(taken), tuple(unknown), tuple(closed))


def _alone(document: SealedDocument) -> bytes:
    annotations = {document.scope.annotation: "true"} if document.scope.annotation else {}
    metadata = {"namespace": document.namespace, "name": document.name, "annotations": annotations}
    spec = {"encryptedData": dict(document.ciphertexts)}
    return json.dumps({"kind": "SealedSecret", "metadata": metadata, "spec": spec}).encode()
