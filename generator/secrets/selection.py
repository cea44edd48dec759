"""Which values a rotation replaces, and which it leaves to people, since somebody else has the other half."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import Generator, MachineSecret
from generator.secrets.making.age import due_at, noticed_at
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from generator.secrets.catalogue.model import Catalogue, Entry, Value
    from generator.secrets.sealing.renewal import ValueId
    from generator.secrets.vault.model import Vault

_SEPARATOR = ":"
_OF_PEOPLE = (Generator.AUTHORITY, Generator.EXTERNAL, Generator.SSH_KEY)


@dataclass(frozen=True)
class Order:
    """What is to be replaced.

    Attributes:
        names: `namespace/name` of secrets, or `namespace/name:value` of one value.
        everything: All values that fmc makes by itself.
        older_than: Those of them that are older.
        due: Those of them that are due, see `making.age`.
        certificates: Certificates alone, and those that are due soon among them.
        registered: The keys that were prepared are known outside, and count from now on.
        given: Values that a person typed or piped, for those that somebody else issues.
    """

    names: tuple[str, ...] = ()
    everything: bool = False
    older_than: timedelta | None = None
    due: bool = False
    certificates: bool = False
    registered: bool = False
    given: Mapping[ValueId, bytes] = field(default_factory=dict, repr=False)

    def text(self) -> str:
        """Return it as one line, by which the same order is known again; nothing of a given value is in it."""
        age = f"{self.older_than.total_seconds():.0f}" if self.older_than is not None else ""
        flags = (self.everything, self.due, self.certificates, self.registered)
        return " ".join([*sorted(self.names), f"older-than={age}", *(str(int(flag)) for flag in flags)])


@dataclass(frozen=True)
class Left:
    """A value that a rotation of many leaves to people.

    Attributes:
        secret: `namespace/name`, or `machines/name`.
        value: Name of the value.
        what: What has to be done.
    """

    secret: str
    value: str
    what: str


@dataclass(frozen=True)
class Selected:
    """What an order comes to.

    Attributes:
        renewed: Values that are replaced.
        prepared: Keys whose successor has to be made known outside first.
        external: Values that somebody else issues, and that a person has to give.
        left: What is left to people.
    """

    renewed: tuple[ValueId, ...] = ()
    prepared: tuple[ValueId, ...] = ()
    external: tuple[ValueId, ...] = ()
    left: tuple[Left, ...] = ()


def select(catalogue: Catalogue, vault: Vault, order: Order, now: datetime) -> Selected:
    """Work out what an order comes to.

    Args:
        catalogue: What there is.
        vault: What the vault has of it; what it does not have is made by `fmc seal`, and not replaced.
        order: What is to be replaced.
        now: The present, UTC.

    Raises:
        BadInputError: A name is unknown, or its value can't be replaced this way.
    """
    if order.names:
        found = list(_named(catalogue, order.names))
        if order.certificates:
            found = list(_certificates(found))
        return _registered(vault, found, order) if order.registered else _by_kind(found)
    automatic, left = [], []
    for entry, value in _all(catalogue, vault, order, now):
        if isinstance(entry, MachineSecret) or value.generator in _OF_PEOPLE:
            left.append(Left(entry.id, value.name, _for_people(entry, value)))
        else:
            automatic.append((entry.id, value.name))
    return Selected(tuple(automatic), left=tuple(left))


def _by_kind(found: Iterable[tuple[Entry, Value]]) -> Selected:
    places: dict[Generator | None, list[ValueId]] = {}
    for entry, value in found:
        if value.generator is Generator.AUTHORITY or (isinstance(entry, MachineSecret) and not value.playbook):
            raise BadInputError(
                f"{value.name} of {entry.id} can't be rotated: {_for_people(entry, value)}",
                fix="Leave it as it is; a cluster that is built anew gets another one.",
            )
        kind = value.generator if value.generator in (Generator.EXTERNAL, Generator.SSH_KEY) else None
        places.setdefault(kind, []).append((entry.id, value.name))
    return Selected(
        renewed=tuple(places.get(None, ())),
        prepared=tuple(places.get(Generator.SSH_KEY, ())),
        external=tuple(places.get(Generator.EXTERNAL, ())),
    )


def _certificates(found: Iterable[tuple[Entry, Value]]) -> Iterator[tuple[Entry, Value]]:
    for entry, value in found:
        if value.generator is not Generator.CERTIFICATE:
            raise BadInputError(
                f"{value.name} of {entry.id} is no certificate",
                fix=f"To replace it, run `fmc rotate {entry.id}:{value.name}`.",
            )
        yield entry, value


def _registered(vault: Vault, found: Iterable[tuple[Entry, Value]], order: Order) -> Selected:
    """Take the keys that were prepared, and refuse where nobody can have registered one, since none was made."""
    prepared = tuple((entry.id, value.name) for entry, value in found if value.name in vault.prepared.get(entry.id, {}))
    if not prepared:
        raise BadInputError(
            "no key is prepared there that could be registered by now",
            fix=f"Run `fmc rotate {' '.join(order.names)}` first: it makes the next key, and prints what to register.",
        )
    return Selected(renewed=prepared)


def _named(catalogue: Catalogue, names: tuple[str, ...]) -> Iterator[tuple[Entry, Value]]:
    for text in dict.fromkeys(names):
        secret_id, _, name = text.partition(_SEPARATOR)
        entry = catalogue.entry(secret_id)
        if name and name not in entry.values:
            raise BadInputError(f"{secret_id} has no value {name}", fix=did_you_mean(name, entry.values))
        if not entry.values:
            raise BadInputError(
                f"{secret_id} has no value: all that it holds stands in the catalogue",
                fix=f"Change it in {entry.file}, then run `fmc seal`.",
            )
        # A value that no playbook brings to the machines is meant where it is named, and not with its siblings.
        brought = [one for one in entry.values.values() if one.playbook or not isinstance(entry, MachineSecret)]
        for value in [entry.values[name]] if name else brought or entry.values.values():
            yield entry, value


def _all(catalogue: Catalogue, vault: Vault, order: Order, now: datetime) -> Iterator[tuple[Entry, Value]]:
    for entry in catalogue.entries:
        for name, value in entry.values.items():
            record = vault.values.get(entry.id, {}).get(name)
            if record is None or (order.certificates and value.generator is not Generator.CERTIFICATE):
                continue
            is_old = order.older_than is not None and now - record.created >= order.older_than
            told = noticed_at if order.certificates else due_at
            due = told(value, record) if order.due else None
            if order.everything or is_old or (due is not None and due <= now):
                yield entry, value


def how_to_replace(entry: Entry, value: Value) -> str:
    """Return how a value is replaced: a command, or what people do."""
    if isinstance(entry, MachineSecret) or value.generator in _OF_PEOPLE:
        return _for_people(entry, value)
    return f"`fmc rotate {entry.id}:{value.name}`"


def _for_people(entry: Entry, value: Value) -> str:
    place = f"{entry.id}:{value.name}"
    if isinstance(entry, MachineSecret):
        if not value.playbook:
            return "no playbook brings another one to the machines"
        return f"`fmc rotate {place}`, then `ansible-playbook playbooks/{value.playbook}` in infra/ansible"
    if value.generator is Generator.AUTHORITY:
        return "all that it signed, and everybody who trusts it, would have to change with it"
    if value.generator is Generator.EXTERNAL:
        return f"issue a new one where it comes from, give it to `fmc rotate {place}`, and revoke the old one last"
    return f"`fmc rotate {place}` makes the next key; register it, then add --registered"
