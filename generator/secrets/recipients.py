"""Who opens the vault: listed, added and taken out, beside those that the answers name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from generator.errors import BadInputError
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.identities import own_public_keys
from generator.secrets.vault.recipient import normalized

if TYPE_CHECKING:
    from generator.secrets.store import Store


@dataclass(frozen=True)
class RecipientRow:
    """One who opens the vault.

    Attributes:
        public_key: age public key, or SSH public key.
        is_own: Whether it is that of the identity here.
        is_named: Whether the answers name it.
    """

    public_key: str
    is_own: bool
    is_named: bool


def list_recipients(store: Store) -> tuple[RecipientRow, ...]:
    """List who opens the vault.

    Raises:
        VaultError: It can't be opened.
    """
    vault = store.open(store.catalogue().cluster)
    own = own_public_keys(store.identities.path)
    return tuple(RecipientRow(key, key in own, key in vault.answers_recipients) for key in vault.recipients)


def add_recipient(store: Store, public_key: str) -> bool:
    """Let somebody open the vault from now on; return whether that is new.

    Raises:
        VaultError: It is no public key that age takes, or the vault can't be opened.
        WriteError: The disk refused.
    """
    vault = store.open(store.catalogue().cluster)
    key = normalized(public_key, str(store.vault))
    if key in vault.recipients:
        return False
    save_vault(store.vault, replace(vault, recipients=(*vault.recipients, key)))
    return True


def remove_recipient(store: Store, public_key: str) -> None:
    """Encrypt the vault to somebody no more; copies made before they still open.

    Raises:
        BadInputError: They don't open it, or the answers would bring them back, or it is the identity here.
        VaultError: The vault can't be opened, or would have one recipient alone.
        WriteError: The disk refused.
    """
    vault = store.open(store.catalogue().cluster)
    key = normalized(public_key, str(store.vault))
    if key not in vault.recipients:
        raise BadInputError(f"{key} does not open the vault", fix="`fmc vault recipients list` shows who does.")
    if key in vault.answers_recipients:
        raise BadInputError(
            f"the answers name {key}: the next `fmc seal` would add it again",
            fix="Take it out of vault_recipients in answers.yaml, and run `fmc new`: that takes it out of the vault.",
        )
    left = tuple(one for one in vault.recipients if one != key)
    if not set(left) & set(own_public_keys(store.identities.path)):
        raise BadInputError(
            "you would lock yourself out: it is the public key of your own identity",
            fix="Let one of those who stay take it out, with their identity.",
        )
    save_vault(store.vault, replace(vault, recipients=left))
