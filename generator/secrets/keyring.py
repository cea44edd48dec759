"""The sealing keys of the vault: which there are, what they open, and what needs them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from generator.secrets.sealing.crypto import load_private_keys
from generator.secrets.sealing.documents import documents_of, opened
from generator.secrets.vault.keys import certificate_end

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from generator.secrets.store import Store
    from generator.secrets.vault.model import Vault


class KeyState(StrEnum):
    """What a sealing key is there for.

    Attributes:
        IN_USE: Everything is sealed to it.
        NEXT: Everything will be, as soon as the cluster has it.
        OLD: It opens what was sealed before, or elsewhere.
    """

    IN_USE = "in use"
    NEXT = "next"
    OLD = "old"


@dataclass(frozen=True)
class KeyRow:
    """A sealing key, without its private half.

    Attributes:
        name: Name of its Secret in the cluster.
        fingerprint: `SHA256:...`, as manifests and the controller's log have it.
        created: When it was made, UTC.
        ends: When its certificate ends, UTC; kubeseal then refuses it, and the controller goes on.
        state: What it is there for.
        compromised: Since when it is known that somebody else may have it; None where nobody said so.
        needed_by: The manifests in Git that only this key opens.
    """

    name: str
    fingerprint: str
    created: datetime
    ends: datetime
    state: KeyState
    compromised: datetime | None
    needed_by: tuple[str, ...]


def list_keys(store: Store, manifests: Iterable[tuple[str, bytes]]) -> tuple[KeyRow, ...]:
    """List the sealing keys of the vault, oldest first.

    Args:
        store: Where the vault and the catalogue lie.
        manifests: What may be sealed in Git: where it lies, and its content.

    Raises:
        BadInputError: The catalogue can't be used.
        VaultError: There is no vault, or it can't be opened.
    """
    catalogue = store.catalogue()
    vault = store.open(catalogue.cluster)
    states = {vault.next_key: KeyState.NEXT, catalogue.key_name: KeyState.IN_USE}
    needed = needing(vault, manifests)
    return tuple(
        KeyRow(
            name=key.name,
            fingerprint=key.fingerprint,
            created=key.created,
            ends=certificate_end(key.certificate.encode()),
            state=states.get(key.name, KeyState.OLD),
            compromised=vault.compromised.get(key.fingerprint),
            needed_by=needed[key.name],
        )
        for key in vault.sealing_keys
    )


def needing(vault: Vault, manifests: Iterable[tuple[str, bytes]]) -> dict[str, tuple[str, ...]]:
    """Return for each sealing key where something lies that this key alone opens.

    Args:
        vault: The vault.
        manifests: What may be sealed: where it lies, and its content. What can't be read is no manifest.
    """
    keys = [(key.name, load_private_keys([key.private_key])) for key in vault.sealing_keys]
    found: dict[str, dict[str, None]] = {name: {} for name, _ in keys}
    for where, content in manifests:
        try:
            documents = documents_of(content)
        except ValueError:
            continue
        for document in documents:
            for ciphertext in document.ciphertexts.values():
                if name := next((name for name, key in keys if opened(key, ciphertext, document.label)), ""):
                    found[name][where] = None
    return {name: tuple(places) for name, places in found.items()}
