"""What there is: every value of the catalogue, where it comes from, who reads it, and whether it is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import Derived, Secret
from generator.secrets.making.age import due_at
from generator.secrets.sealing.files import sealed_snapshot
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.reconcile import reconcile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from generator.secrets.catalogue.model import Entry, Generator, MachineSecret, Value
    from generator.secrets.sealing.reconcile import Reconciled
    from generator.secrets.sealing.takeover import Snapshot
    from generator.secrets.store import Store
    from generator.secrets.vault.model import ValueRecord, Vault


class State(StrEnum):
    """How far a value has come.

    Attributes:
        SEALED: Every key that is derived from it is sealed; with the vault: the value of now.
        OUTDATED: It is sealed, but not as the vault has it now: `fmc seal` is due.
        UNSEALED: A key that is derived from it is not sealed: `fmc seal` is due.
        PENDING: It is external, and nobody has supplied it yet; seen with the vault alone.
        ELSEWHERE: Another copy of the vault replaced it, and Git holds but a hash of it; seen with the vault alone.
        DISPUTED: Vault and Git have values that don't follow each other: `fmc seal` says what to do.
        KEPT: Machines need it, so that the vault keeps it and it is sealed nowhere.
        UNMADE: Machines need it, and the vault does not have it yet: `fmc seal` is due.
    """

    SEALED = "sealed"
    OUTDATED = "outdated"
    UNSEALED = "unsealed"
    PENDING = "pending"
    ELSEWHERE = "elsewhere"
    DISPUTED = "disputed"
    KEPT = "kept"
    UNMADE = "unmade"


@dataclass(frozen=True)
class SecretRow:
    """One value of one secret, without its plaintext.

    Attributes:
        id: `namespace/name` of the secret.
        value: Name of the value.
        generator: Where it comes from.
        made_at: When it was made or supplied, UTC; None if it was not, or without the vault.
        due_at: When it is due for its successor, UTC; None where nothing says so, or without the vault.
        consumers: Who reads the secret.
        state: How far it has come.
        env: Environment variable that it may be given in; "" if there is none.
    """

    id: str
    value: str
    generator: Generator
    made_at: datetime | None
    due_at: datetime | None
    consumers: tuple[str, ...]
    state: State
    env: str


def list_secrets(store: Store, now: datetime) -> tuple[SecretRow, ...]:
    """List the values of the catalogue, in its order.

    Where the vault or the identity file is missing, the list tells what the repository alone shows.

    Args:
        store: Where they lie.
        now: The present, UTC: certificates are due for renewal some time before their end.

    Raises:
        BadInputError: The catalogue is missing or has findings, or names a sealing key that the vault lacks.
        VaultError: The vault is there and can't be opened with the identity that is there.
    """
    catalogue = store.catalogue()
    vault = None
    if store.vault.exists() and store.identities.path.exists():
        vault = store.open(catalogue.cluster)
    committed = sealed_snapshot(store.root)
    due = reconcile(catalogue, vault, None, now.replace(microsecond=0), {}, [committed]) if vault else None
    return tuple(
        SecretRow(
            id=entry.id,
            value=name,
            generator=value.generator,
            made_at=record.created if (record := _record(vault, entry, value)) else None,
            due_at=due_at(value, record) if record else None,
            consumers=entry.consumers,
            state=_state(entry, name, committed, due) if isinstance(entry, Secret) else _kept(entry, name, vault, due),
            env=value.env,
        )
        for entry in catalogue.entries
        for name, value in entry.values.items()
    )


def _record(vault: Vault | None, secret: Entry, value: Value) -> ValueRecord | None:
    record = vault.values.get(secret.id, {}).get(value.name) if vault else None
    return record if record and record.generator is value.generator else None


def _sealed(committed: Snapshot, secret: Secret) -> Mapping[str, str]:
    """Return the sealed values that the repository holds, by key of the Secret."""
    manifest = parse(committed.get(secret.manifest_path, b"").decode(errors="replace"))
    return manifest.sealed.ciphertexts if manifest else {}


def _kept(entry: MachineSecret, name: str, vault: Vault | None, due: Reconciled | None) -> State:
    """Return the state of what machines need; without the vault that is where such a value lies."""
    if vault is None or name in vault.values.get(entry.id, {}):
        return State.KEPT
    waits = due and any((pending.secret, pending.value) == (entry.id, name) for pending in due.pending)
    return State.PENDING if waits else State.UNMADE


def _state(secret: Secret, name: str, committed: Snapshot, due: Reconciled | None) -> State:
    """Return the state of a value; `due` is what the next `fmc seal` would make, None without the vault."""
    sealed = _sealed(committed, secret)
    if due:
        states = ((State.DISPUTED, due.disputes), (State.PENDING, due.pending), (State.ELSEWHERE, due.elsewhere))
        for state, entries in states:
            if any((entry.secret, entry.value) == (secret.id, name) for entry in entries):
                return state
    keys = [key for key, datum in secret.data.items() if isinstance(datum, Derived) and datum.source == name]
    if not all(key in sealed for key in keys):
        return State.UNSEALED
    wanted = due.vault.sealed.get(secret.id, {}) if due else None
    if wanted is not None and not all(key in wanted and sealed[key] == wanted[key].ciphertext for key in keys):
        return State.OUTDATED
    return State.SEALED
