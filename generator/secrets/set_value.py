"""Setting a value by hand: what the user supplies, or a password of their own choice."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from generator.errors import BadInputError, VaultError
from generator.secrets.catalogue.model import MINIMUM_PASSWORD, MOST_SECRET_BYTES, Derived, Generator, Secret
from generator.secrets.making.forms import BCRYPT_BYTES, SALTED
from generator.secrets.making.supplied import as_meant, is_file, login_fault
from generator.secrets.sealing.files import sealed_snapshot
from generator.secrets.sealing.takeover import visible_lineages
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.history import remember
from generator.secrets.vault.lineage import content_digest, descendant
from generator.secrets.vault.model import ValueRecord
from generator.secrets.vault.plaintext import Plaintext
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from generator.secrets.catalogue.model import Catalogue, Entry
    from generator.secrets.sealing.takeover import Snapshot
    from generator.secrets.store import Store
    from generator.secrets.vault.model import Vault

_SETTABLE = (Generator.PASSWORD, Generator.TOKEN, Generator.EXTERNAL)
_RENEWED = {
    Generator.CERTIFICATE: "Nothing has to be set: `fmc seal` renews a certificate 30 days before its end.",
    Generator.AUTHORITY: "Nothing has to be set: `fmc seal` replaces the authority 825 days before its end.",
}


@dataclass(frozen=True)
class SetReport:
    """What `set_value` did.

    Attributes:
        secret: `namespace/name` of the secret.
        value: Name of the value within it.
        changed: Whether the vault held another one, or none.
        is_file: Whether it has several lines.
        is_sealable: Whether `fmc seal` is due after a change; what machines need is sealed nowhere.
    """

    secret: str
    value: str
    changed: bool
    is_file: bool = False
    is_sealable: bool = True


def set_value(
    store: Store,
    secret_id: str,
    value_name: str | None,
    plaintext: bytes,
    now: datetime,
    external_values: Mapping[str, str] = MappingProxyType({}),
    delivered: Sequence[Snapshot] = (),
) -> SetReport:
    """Put a value into the vault file; the next `fmc seal` seals what depends on it, where anything does.

    Args:
        store: Where the vault and the catalogue lie.
        secret_id: `namespace/name` of the secret.
        value_name: Name of the value within it; None where it has one alone that can be set.
        plaintext: The value, as it was typed or piped.
        now: The present, UTC; fractions of a second are dropped.
        external_values: Values that the user supplies besides, by name of environment variable.
        delivered: Sealed manifests of commits, by path below the root: whatever they hold, the new value replaces it.

    Raises:
        BadInputError: The catalogue can't be used, there is no such value, or the given one can't be taken.
        VaultError: There is no vault yet, or it can't be opened.
        WriteError: The disk refused; the vault is as it was.
    """
    plaintext = as_meant(plaintext)
    catalogue = store.catalogue()
    secret = catalogue.entry(secret_id)
    name = value_name or _only_value(secret)
    _refuse_what_seal_would_undo(secret, name, plaintext, external_values)
    if not store.vault.exists():
        raise VaultError(
            f"there is no vault at {store.vault} yet", where=str(store.vault), fix="Run `fmc seal` first; it makes one."
        )
    before = store.open(catalogue.cluster)
    committed = (sealed_snapshot(store.root), *delivered)
    after = put_value(before, catalogue, secret_id, name, Plaintext(plaintext), now.replace(microsecond=0), committed)
    if after is not before:
        save_vault(store.vault, remember(before, after))
    return SetReport(
        secret_id,
        name,
        changed=after is not before,
        is_file=is_file(plaintext),
        is_sealable=isinstance(secret, Secret),
    )


def put_value(
    vault: Vault,
    catalogue: Catalogue,
    secret_id: str,
    name: str,
    plaintext: Plaintext,
    now: datetime,
    committed: Sequence[Snapshot] = (),
) -> Vault:
    """Put a value into a vault in memory.

    Args:
        vault: The vault.
        catalogue: What values there are.
        secret_id: `namespace/name` of the secret.
        name: Name of the value within it.
        plaintext: The value.
        now: The present, UTC, whole seconds.
        committed: What Git holds; the new value replaces that, too, even where this vault did not know it.

    Returns:
        The vault's next state; the given vault itself if it holds that very value.

    Raises:
        BadInputError: There is no such value, it is a key pair, or the given one can't be taken.
    """
    secret = catalogue.entry(secret_id)
    if name not in secret.values:
        raise BadInputError(f"{secret_id} has no value {name}", fix=did_you_mean(name, secret.values))
    generator = secret.values[name].generator
    if generator not in _SETTABLE:
        raise BadInputError(
            f"{name} of {secret_id} is made by {generator}; it can't be set by hand", fix=_RENEWED.get(generator)
        )
    require_usable(secret, name, plaintext.reveal())
    record, known = vault.values.get(secret_id, {}).get(name), vault.lineage(secret_id, name)
    delivered = visible_lineages(secret, name, vault, committed) if isinstance(secret, Secret) else ()
    replaced = [*([known] if known else []), *delivered]
    is_same = record is not None and record.generator.is_like(generator) and record.secret == plaintext
    if record and is_same and all(record.lineage.covers(lineage) for lineage in replaced):
        return vault
    lineage = descendant(content_digest(vault.fingerprint_key, secret_id, name, plaintext), now, replaced)
    fresh = ValueRecord(generator=generator, created=now, secret=plaintext)
    return vault.with_value(secret_id, name, fresh.with_lineage(lineage))


def _refuse_what_seal_would_undo(
    secret: Entry, name: str, plaintext: bytes, external_values: Mapping[str, str]
) -> None:
    variable = secret.values[name].env if name in secret.values else ""
    given = as_meant(external_values.get(variable, "").encode(errors="surrogateescape"))
    if given and given != plaintext:
        raise BadInputError(
            f"{variable} is set in this shell, to another value than the one given for {name} of {secret.id}; the next "
            "`fmc seal` would take that one instead",
            fix=f"Type `unset {variable}`, and run the same command again.",
        )


def _only_value(secret: Entry) -> str:
    names = [name for name, value in secret.values.items() if value.generator in _SETTABLE]
    match names:
        case [name]:
            return name
        case []:
            raise BadInputError(f"{secret.id} has no value that can be set by hand")
        case _:
            raise BadInputError(f"{secret.id} has several values", fix=f"Name one of them: {', '.join(names)}.")


def require_usable(secret: Entry, name: str, content: bytes) -> None:
    """Refuse what a value can't be, without a word of it.

    Args:
        secret: The entry of the catalogue.
        name: Name of the value within it.
        content: What is given for it.

    Raises:
        BadInputError: It can't be taken.
    """
    if fault := _fault(secret, name, content):
        raise BadInputError(f"the value for {name} of {secret.id} {fault}")


def _fault(secret: Entry, name: str, content: bytes) -> str:
    """Return why a value can't be taken; "" if it can. Nothing of the value itself is said."""
    if not content:
        return "is empty"
    if len(content) > MOST_SECRET_BYTES:
        return f"has {len(content)} bytes, and Kubernetes takes {MOST_SECRET_BYTES} for a whole Secret"
    data = secret.data.values() if isinstance(secret, Secret) else ()
    hashed = any(isinstance(datum, Derived) and datum.source == name and datum.form in SALTED for datum in data)
    if hashed and len(content) > BCRYPT_BYTES:
        return f"is longer than the {BCRYPT_BYTES} bytes that bcrypt covers"
    is_external = secret.values[name].generator is Generator.EXTERNAL
    if is_external and not hashed:
        return login_fault(secret, name, content)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return "is no UTF-8 text"
    if not text.isprintable():
        return "holds a line break or another character that can't be typed at a log-in"
    return f"has fewer than {MINIMUM_PASSWORD} characters" if len(text) < MINIMUM_PASSWORD and not is_external else ""
