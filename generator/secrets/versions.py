"""The versions of a value that the vault has: which there are, without plaintexts, and which one is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from datetime import datetime

    from generator.secrets.catalogue.model import Entry
    from generator.secrets.store import Store
    from generator.secrets.vault.model import ValueRecord, Vault


@dataclass(frozen=True)
class Version:
    """A version of a value, without its plaintext.

    Attributes:
        number: 0 for the one that counts, 1 for the one before it, and so on.
        made_at: When it was made or supplied, UTC.
        replaced_at: When the next one was made, UTC; None for the one that counts.
        revision: What the sealed manifest names it.
    """

    number: int
    made_at: datetime
    replaced_at: datetime | None
    revision: str


def list_versions(store: Store, secret_id: str, value_name: str | None) -> tuple[str, tuple[Version, ...]]:
    """List the versions of a value, the one that counts first.

    Args:
        store: Where the vault and the catalogue lie.
        secret_id: `namespace/name` of the secret.
        value_name: Name of the value within it; None where it has one alone.

    Returns:
        The name of the value, and its versions.

    Raises:
        BadInputError: There is no such value.
        VaultError: The vault can't be opened.
    """
    catalogue = store.catalogue()
    name = named_value(catalogue.entry(secret_id), value_name)
    records = records_of(store.open(catalogue.cluster), secret_id, name)
    ends = [None, *(record.created for record in records)]
    versions = (
        Version(number, record.created, end, record.revision)
        for number, (record, end) in enumerate(zip(records, ends, strict=False))
    )
    return name, tuple(versions)


def records_of(vault: Vault, secret_id: str, name: str) -> tuple[ValueRecord, ...]:
    """Return the versions of a value, the one that counts first."""
    current = vault.values.get(secret_id, {}).get(name)
    return (*([current] if current else []), *vault.history.get(secret_id, {}).get(name, ()))


def named_value(secret: Entry, value_name: str | None) -> str:
    """Return the name of the value that is meant.

    Args:
        secret: The entry of the catalogue.
        value_name: Its name; None where there is one alone.

    Raises:
        BadInputError: There is no such value, or there are several.
    """
    if value_name is not None:
        if value_name not in secret.values:
            raise BadInputError(f"{secret.id} has no value {value_name}", fix=did_you_mean(value_name, secret.values))
        return value_name
    match list(secret.values):
        case [name]:
            return name
        case []:
            raise BadInputError(f"{secret.id} has no value: all that it holds stands in the catalogue")
        case names:
            raise BadInputError(f"{secret.id} has several values", fix=f"Name one of them: {', '.join(names)}.")
