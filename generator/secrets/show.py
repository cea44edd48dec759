"""Showing one value of the vault in the clear, to the operator who asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import MachineSecret
from generator.secrets.sealing.committed import read_committed
from generator.secrets.sealing.disputes import NO_PREFERENCE
from generator.secrets.sealing.files import sealed_snapshot
from generator.secrets.sealing.takeover import take_over
from generator.secrets.vault.plaintext import Plaintext
from generator.secrets.versions import named_value, records_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from generator.secrets.catalogue.model import Secret
    from generator.secrets.sealing.takeover import Snapshot
    from generator.secrets.store import Store
    from generator.secrets.vault.model import ValueRecord, Vault


@dataclass(frozen=True)
class Shown:
    """One value.

    Attributes:
        secret: `namespace/name` of the secret.
        value: Name of the value within it.
        content: The plaintext: the password, the private key, or what the user supplied; or a public half.
        is_sealed: Whether it is what Git holds; otherwise `fmc seal` is due. None for what machines need and for what
            was replaced: the vault alone has that.
    """

    secret: str
    value: str
    content: Plaintext
    is_sealed: bool | None


def show_value(
    store: Store,
    secret_id: str,
    value_name: str | None,
    now: datetime,
    delivered: Sequence[Snapshot] = (),
    *,
    public: bool = False,
    version: int = 0,
) -> Shown:
    """Return one value, the newest that vault and Git together know; nothing is written.

    Args:
        store: Where the vault and the catalogue lie.
        secret_id: `namespace/name` of the secret.
        value_name: Name of the value within it; None where it has one alone.
        now: The present, UTC.
        delivered: Sealed manifests of commits, by path below the root.
        public: Whether the public half of a key pair is meant.
        version: Which one: 0 counts, 1 is the one before it, and so on.

    Raises:
        BadInputError: There is no such value, or none that could be shown.
        VaultError: The vault can't be opened.
    """
    catalogue = store.catalogue()
    secret = catalogue.entry(secret_id)
    name = named_value(secret, value_name)
    vault = store.open(catalogue.cluster)
    if version:
        return _replaced(vault, secret_id, name, version, public=public)
    committed = (sealed_snapshot(store.root), *delivered)
    known = take_over(catalogue, vault, committed, NO_PREFERENCE, now)
    if any((dispute.secret, dispute.value) == (secret_id, name) for dispute in known.disputes):
        raise BadInputError(
            f"vault and Git hold values for {name} of {secret_id} that don't follow each other",
            fix="Run `fmc seal`: it says which, and how to decide.",
        )
    if name in known.vault.elsewhere.get(secret_id, {}):
        raise BadInputError(
            f"another copy of the vault replaced {name} of {secret_id}, and Git holds but a hash of it",
            fix=f"Bring the newest copy of the vault here, or set a new value: `fmc secret set {secret_id} {name}`.",
        )
    record = known.vault.values.get(secret_id, {}).get(name)
    if record is None:
        raise BadInputError(
            f"{secret_id} has no value for {name} yet",
            fix=f"Supply it with `fmc secret set {secret_id} {name}`, or run `fmc seal`, which makes what it can.",
        )
    content = _content(record, secret_id, name, public=public)
    if isinstance(secret, MachineSecret):
        return Shown(secret_id, name, content, is_sealed=None)
    sealed = known.vault.sealed.get(secret_id, {})
    lineage = record.lineage.text()
    return Shown(secret_id, name, content, is_sealed=bool(sealed) and _is_in_git(secret, name, committed, lineage))


def _replaced(vault: Vault, secret_id: str, name: str, version: int, *, public: bool) -> Shown:
    """Return a version that was replaced; nothing of it is in Git any more."""
    records = records_of(vault, secret_id, name)
    if not 0 < version < len(records):
        raise BadInputError(
            f"the vault has no version {version} of {name} of {secret_id}",
            fix=f"`fmc secret history {secret_id} {name}` lists those that it has.",
        )
    return Shown(secret_id, name, _content(records[version], secret_id, name, public=public), is_sealed=None)


def _content(record: ValueRecord, secret_id: str, name: str, *, public: bool) -> Plaintext:
    if public and "public" not in record.public:
        raise BadInputError(f"{name} of {secret_id} is no key pair, and has no public half")
    return Plaintext(record.public["public"].encode()) if public else record.secret


def _is_in_git(secret: Secret, name: str, committed: Sequence[Snapshot], lineage: str) -> bool:
    for snapshot in committed:
        found = read_committed(snapshot.get(secret.manifest_path, b""), secret.namespace, secret.name)
        if found and found.lineages.get(name) == lineage:
            return True
    return False
