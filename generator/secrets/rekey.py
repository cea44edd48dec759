"""Another sealing key, so that everything in Git can be opened at each moment with the keys that the cluster has.

First the key is made, and the controller's values name it: its next pod waits for the key's Secret, and then has both.
Only when that is so, the catalogue names it and everything is sealed to it. The private half goes from the vault to the
API server and never into Git: sealed to the old key it would be as lost as that one, at any later time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from generator.errors import BadInputError
from generator.files import remove_leftovers, write_atomic
from generator.inputs import read_bounded
from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.catalogue.section import LIMITS
from generator.secrets.sealing.files import content_of
from generator.secrets.sealing.key_names import CONTROLLER, named_key, naming
from generator.secrets.sealing.trust import active_key
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.keys import generate_sealing_key
from generator.secrets.vault.model import KeyRecord

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from generator.secrets.store import Store
    from generator.secrets.vault.keys import SealingKey
    from generator.secrets.vault.model import Vault

_SHOWN = 5
_NUMBERED = re.compile(r"(?P<stem>.*?)-(?P<number>[0-9]{1,9})")


@dataclass(frozen=True)
class Replacement:
    """A sealing key that is being replaced.

    Attributes:
        key: The next one.
        old: The one that is sealed to before; the next one itself, once the catalogue names that.
    """

    key: KeyRecord
    old: KeyRecord

    @property
    def is_named(self) -> bool:
        """Whether the catalogue names the next one already."""
        return self.key.name == self.old.name


def pending_replacement(store: Store) -> Replacement | None:
    """Return the replacement that was begun and not finished.

    Raises:
        BadInputError: The catalogue can't be used, or names a sealing key that the vault lacks.
        VaultError: There is no vault, or it can't be opened.
    """
    catalogue = store.catalogue()
    vault = store.open(catalogue.cluster)
    key = vault.sealing_key(vault.next_key)
    return Replacement(key, active_key(catalogue, vault)) if key else None


def begin_replacement(
    store: Store, now: datetime, *, is_compromised: bool, prepared_key: SealingKey | None = None
) -> Replacement:
    """Make the next sealing key, or find the one that was made; the vault has it beside the others.

    Args:
        store: Where the vault and the catalogue lie.
        now: The present, UTC.
        is_compromised: Whether somebody else may have the key that is sealed to now.
        prepared_key: The key, if one was made in advance.

    Raises:
        BadInputError: The catalogue can't be used, or names a sealing key that the vault lacks.
        VaultError: There is no vault, or it can't be opened.
        WriteError: The disk refused; the vault is as it was.
    """
    catalogue = store.catalogue()
    before = vault = store.open(catalogue.cluster)
    old = active_key(catalogue, vault)
    key = vault.sealing_key(vault.next_key)
    if key is None:
        made = prepared_key or generate_sealing_key()
        name = _next_name(old.name, (known.name for known in vault.sealing_keys))
        key = KeyRecord(name=name, certificate=made.certificate, private_key=made.private_key, created=made.created)
        vault = replace(vault, sealing_keys=(*vault.sealing_keys, key), next_key=name)
    if is_compromised and old.name != key.name and old.fingerprint not in vault.compromised:
        vault = replace(vault, compromised={**vault.compromised, old.fingerprint: now.replace(microsecond=0)})
    if vault != before:
        save_vault(store.vault, vault)
    return Replacement(key, old)


def remove_what_a_kill_left(root: Path) -> None:
    """Remove temporary neighbours of the two files that name a key.

    Args:
        root: Folder of the part argocd.

    Raises:
        WriteError: The disk refused.
    """
    for path in (CONTROLLER, CATALOGUE):
        remove_leftovers(root / path)


def let_controller_load(root: Path, key: str) -> bool:
    """Let the controller's values name a sealing key, so that its next pod starts when it is there, and loads it.

    Args:
        root: Folder of the part argocd.
        key: Name of the key's Secret.

    Returns:
        Whether they name one; values that a person has written otherwise don't.

    Raises:
        WriteError: The disk refused.
    """
    content = content_of(root / CONTROLLER) or b""
    _rewrite(root, CONTROLLER, content, key)
    return named_key(CONTROLLER, content) != ""


def let_catalogue_name(root: Path, key: str) -> None:
    """Let the catalogue name a sealing key: the next `fmc seal` seals everything to it.

    Args:
        root: Folder of the part argocd.
        key: Name of the key's Secret.

    Raises:
        BadInputError: The catalogue can't be read.
        WriteError: The disk refused.
    """
    _rewrite(root, CATALOGUE, read_bounded(root / CATALOGUE, LIMITS.bytes), key)


def name_kept_key(store: Store) -> None:
    """Let a part argocd that was rendered from nothing name the key that the one before it was sealed to.

    The template has the first key's name, and where repositories are made again from answers and vault nothing else
    remembers that it was replaced.

    Raises:
        BadInputError: The catalogue can't be read.
        VaultError: The vault can't be opened.
        WriteError: The disk refused.
    """
    if not store.vault.exists():
        return
    key = store.open(store.catalogue().cluster).current_key
    if key:
        let_controller_load(store.root, key)
        let_catalogue_name(store.root, key)


def is_loaded(snapshots: Iterable[bytes], key: str) -> bool:
    """Return whether the controller's values name a sealing key in every commit that counts, as far as they name one.

    Args:
        snapshots: The values in these commits.
        key: Name of the key's Secret.
    """
    return all(named_key(CONTROLLER, content) in ("", key) for content in snapshots)


def finish_replacement(store: Store) -> None:
    """Note that a replacement is over: the next one makes another key.

    Raises:
        VaultError: The vault can't be opened.
        WriteError: The disk refused; the vault is as it was.
    """
    catalogue = store.catalogue()
    vault = store.open(catalogue.cluster)
    if vault.next_key:
        save_vault(store.vault, replace(vault, next_key="", current_key=catalogue.key_name))


def retire(store: Store, name: str, needed_by: Iterable[str], now: datetime) -> KeyRecord:
    """Take a sealing key out of the vault, so that no cluster gets it any more.

    Args:
        store: Where the vault and the catalogue lie.
        name: Name of the key's Secret.
        needed_by: The manifests in Git that only this key opens.
        now: The present, UTC.

    Returns:
        The key that was taken away.

    Raises:
        BadInputError: There is no such key, or it is needed.
        VaultError: There is no vault, or it can't be opened.
        WriteError: The disk refused; the vault is as it was.
    """
    catalogue = store.catalogue()
    vault = store.open(catalogue.cluster)
    key = known_key(vault, name)
    if name in (catalogue.key_name, vault.next_key):
        raise BadInputError(
            f"{name} is the sealing key that everything is sealed to, or is going to be",
            fix="Replace it first: `fmc keys rekey`.",
        )
    if needed := sorted(needed_by):
        raise BadInputError(
            f"{len(needed)} manifests can be opened with {name} alone: {', '.join(needed[:_SHOWN])}",
            where=needed[0],
            fix="Seal them to the key in use, commit and push that: `fmc seal` for what fmc has sealed, "
            "`fmc keys reseal` for your own.",
        )
    others = tuple(one for one in vault.sealing_keys if one.name != name)
    retired = {**vault.retired, key.fingerprint: now.replace(microsecond=0)}
    save_vault(store.vault, replace(vault, sealing_keys=others, retired=retired))
    return key


def known_key(vault: Vault, name: str) -> KeyRecord:
    """Return a sealing key of the vault.

    Raises:
        BadInputError: It has no such key.
    """
    key = vault.sealing_key(name)
    if key is None:
        known = ", ".join(one.name for one in vault.sealing_keys)
        raise BadInputError(f"the vault has no sealing key {name}; it has {known}", fix="`fmc keys list` shows them.")
    return key


def _rewrite(root: Path, path: str, content: bytes, key: str) -> None:
    changed = naming(path, content, key)
    if changed != content:
        write_atomic(root / path, changed)


def _next_name(old: str, taken: Iterable[str]) -> str:
    """Return a name with a number that no key of the vault has reached: `key-1`, `key-2`, and so on."""
    stem = found["stem"] if (found := _NUMBERED.fullmatch(old)) else old
    numbers = [int(one["number"]) for name in taken if (one := _NUMBERED.fullmatch(name)) and one["stem"] == stem]
    return f"{stem}-{max(numbers, default=1) + 1}"
