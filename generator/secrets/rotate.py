"""Rotating: what an order comes to, looked up before anything is written; the keys that have to be known first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import VaultError
from generator.secrets.catalogue.model import Generator
from generator.secrets.making.make import make
from generator.secrets.making.supplied import as_meant
from generator.secrets.sealing.trust import active_key, require_current
from generator.secrets.selection import Selected, select
from generator.secrets.set_value import require_usable
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.lineage import content_digest
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from generator.secrets.catalogue.model import Entry, Value
    from generator.secrets.sealing.renewal import ValueId
    from generator.secrets.selection import Left, Order
    from generator.secrets.store import Store
    from generator.secrets.vault.model import Vault


@dataclass(frozen=True)
class Readers:
    """Who reads a Secret.

    Attributes:
        names: Who, as the catalogue has them; perhaps nobody.
        noticed: When they take a new value without a restart by Git; "" where the catalogue does not say.
    """

    names: tuple[str, ...]
    noticed: str


@dataclass(frozen=True)
class Plan:
    """What a rotation is going to do.

    Attributes:
        before: Every value that is meant, with the revision that it had before.
        renewed: Those of them that have it still, with the new value where a person gave it.
        prepared: Keys whose successor has to be made known outside first.
        external: Values that somebody else issues, and of which nobody gave one yet.
        left: What is left to people.
        playbooks: What has to be run afterwards, so that machines get what they need.
        readers: Who reads each Secret that is meant.
    """

    before: Mapping[ValueId, str]
    renewed: Mapping[ValueId, bytes | None]
    prepared: tuple[ValueId, ...]
    external: tuple[ValueId, ...]
    left: tuple[Left, ...]
    playbooks: tuple[str, ...]
    readers: Mapping[str, Readers]


@dataclass(frozen=True)
class PreparedKey:
    """A key that has to be known outside before it counts: whose it is, and its line of authorized_keys."""

    secret: str
    value: str
    line: str


def plan_rotation(
    store: Store,
    order: Order,
    external_values: Mapping[str, str],
    now: datetime,
    interrupted: Mapping[ValueId, str] | None = None,
) -> Plan:
    """Work out what an order comes to; nothing is written.

    Args:
        store: Where the vault and the catalogue lie.
        order: What is to be replaced.
        external_values: Values that the user supplies, by name of environment variable.
        now: The present, UTC.
        interrupted: What the same order meant when it was interrupted, see `Plan.before`.

    Raises:
        BadInputError: The catalogue can't be used, a name is unknown, its value can't be replaced this way, or the
            certificate that it would be sealed to has ended.
        VaultError: There is no vault yet, or it can't be opened.
    """
    catalogue = store.catalogue()
    if not store.vault.exists():
        raise VaultError(
            f"there is no vault at {store.vault} yet", where=str(store.vault), fix="Run `fmc seal` first; it makes one."
        )
    vault = store.open(catalogue.cluster)
    entries = {entry.id: entry for entry in catalogue.entries}
    selected = Selected() if interrupted is not None else select(catalogue, vault, order, now)
    if interrupted is None:
        before = {place: _revision(vault, place) for place in (*selected.renewed, *selected.external)}
    else:
        before = {
            (secret, name): was for (secret, name), was in interrupted.items() if _is_there(entries, secret, name)
        }
    renewed: dict[ValueId, bytes | None] = {}
    for place, revision in before.items():
        value = entries[place[0]].values[place[1]]
        if revision != _revision(vault, place):
            continue
        if value.generator is not Generator.EXTERNAL:
            renewed[place] = None
        elif (content := _given(value, place, order, external_values)) and not _has(vault, place, content):
            require_usable(entries[place[0]], value.name, content)
            renewed[place] = content
    if any(secret.id in {name for name, _ in renewed} for secret in catalogue.secrets):
        require_current(active_key(catalogue, vault), now)
    external = tuple(place for place in before if place not in renewed and before[place] == _revision(vault, place))
    meant = [place for place in before if place not in external]
    return Plan(
        before={place: before[place] for place in meant},
        renewed=renewed,
        prepared=selected.prepared,
        external=external,
        left=selected.left,
        playbooks=tuple(
            dict.fromkeys(playbook for secret, name in meant if (playbook := entries[secret].values[name].playbook))
        ),
        readers={
            secret.id: Readers(secret.consumers, secret.noticed)
            for secret in catalogue.secrets
            if secret.id in {name for name, _ in meant}
        },
    )


def prepare_keys(store: Store, places: tuple[ValueId, ...], now: datetime) -> tuple[PreparedKey, ...]:
    """Make the next keys, which count once they are known outside; those that were prepared before stay.

    Args:
        store: Where the vault and the catalogue lie.
        places: Whose.
        now: The present, UTC.

    Returns:
        The public halves.

    Raises:
        VaultError: The vault can't be opened.
        WriteError: The disk refused.
    """
    catalogue = store.catalogue()
    before = vault = store.open(catalogue.cluster)
    keys = []
    for secret_id, name in places:
        record = vault.prepared.get(secret_id, {}).get(name)
        if record is None:
            value = catalogue.entry(secret_id).values[name]
            record, _ = make(value, vault.ca, catalogue.cluster, now.replace(microsecond=0))
            if record is None:
                raise TypeError(f"{value.generator} makes no key")
            vault = vault.with_prepared(secret_id, name, record)
        keys.append(PreparedKey(secret_id, name, record.public["public"]))
    if vault is not before:
        save_vault(store.vault, vault)
    return tuple(keys)


def _revision(vault: Vault, place: ValueId) -> str:
    lineage = vault.lineage(*place)
    return lineage.revision if lineage else ""


def _is_there(entries: Mapping[str, Entry], secret: str, name: str) -> bool:
    return secret in entries and name in entries[secret].values


def _given(value: Value, place: ValueId, order: Order, external_values: Mapping[str, str]) -> bytes:
    """Return what a person gave or the environment supplies for a value of somebody else."""
    content = order.given.get(place) or external_values.get(value.env, "").encode(errors="surrogateescape")
    return as_meant(content)


def _has(vault: Vault, place: ValueId, content: bytes) -> bool:
    known = vault.lineage(*place)
    return known is not None and known.content == content_digest(vault.fingerprint_key, *place, Plaintext(content))
