"""Renaming a secret of one's own: the vault keeps its values under the new name, and its entry gets that name.

The old name's values stay in the vault: `fmc seal` then knows that it may delete the old manifest.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from generator.errors import BadInputError, CatalogueError
from generator.files import write_atomic
from generator.inputs import read_bounded
from generator.secrets.catalogue.entry import NAMESPACE, SUBDOMAIN
from generator.secrets.catalogue.model import USER_CATALOGUE, Secret
from generator.secrets.catalogue.read import parse_catalogue
from generator.secrets.sealing.files import is_sealed_file
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.lineage import content_digest, descendant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.store import Store
    from generator.secrets.vault.model import ValueRecord, Vault

_LARGEST = 4 << 20  # bytes
_SUFFIXES = (".yaml", ".yml")
_OWN = "secrets"


@dataclass(frozen=True)
class Mention:
    """A line in which a secret's name stands: whoever reads it there has to be told the new one.

    Attributes:
        file: The file.
        line: Its line.
    """

    file: Path
    line: int


def rename(store: Store, old: str, new: str) -> None:
    """Give a secret another name; run again after a kill, it completes that.

    Args:
        store: Where the vault and the catalogue lie.
        old: `namespace/name` of the secret.
        new: What it is to be called.

    Raises:
        BadInputError: It is no secret of one's own, or it can't have that name.
        VaultError: The vault can't be opened.
        WriteError: The disk refused; the same command goes on.
    """
    _require_name(new)
    catalogue = store.catalogue()
    ids = {secret.id: secret for secret in catalogue.secrets}
    if old not in ids and new in ids:
        # The entry was renamed already, by a person or by a run that was killed.
        _rename_values(store, catalogue, ids[new], old)
        return
    secret = catalogue.entry(old)
    if not isinstance(secret, Secret) or secret.file != USER_CATALOGUE:
        raise BadInputError(
            f"{old} can't be renamed: the template names it, and its readers by it",
            where=secret.file,
            fix=f"Only secrets of {USER_CATALOGUE} have names of yours.",
        )
    if new in ids:
        raise BadInputError(
            f"there is a secret {new} already", where=ids[new].file, fix="Choose another name, or take that entry out."
        )
    path = store.root / USER_CATALOGUE
    renamed = _renamed(path.read_bytes(), secret, new, catalogue, store)
    _rename_values(store, catalogue, secret, old, new)
    write_atomic(path, renamed)


def mentions(folders: Mapping[str, Path], secret_id: str) -> tuple[Mention, ...]:
    """Return the lines of manifests and values in which the name of a secret stands as a word of its own.

    Args:
        folders: The repository parts in which workloads are, by name.
        secret_id: `namespace/name` of the secret.
    """
    name = re.compile(rf"(?<![-.\w]){re.escape(secret_id.partition('/')[2])}(?![-\w]|\.\w)")
    return tuple(
        Mention(file, number)
        for folder in dict.fromkeys(folders.values())
        for file in _files(folder)
        for number, line in enumerate(read_bounded(file, _LARGEST).decode(errors="replace").splitlines(), 1)
        if name.search(line) and not line.lstrip().startswith("#")
    )


def _files(folder: Path) -> Iterator[Path]:
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in (".git", _OWN))
        for name in sorted(files):
            file = Path(place, name)
            if name.endswith(_SUFFIXES) and not is_sealed_file(name) and not file.is_symlink():
                yield file


def _require_name(new: str) -> None:
    namespace, slash, name = new.partition("/")
    if not (slash and NAMESPACE.pattern.fullmatch(namespace) and SUBDOMAIN.pattern.fullmatch(name)):
        raise BadInputError(
            f"{new} is no name of a secret",
            fix="Write NAMESPACE/NAME, each in lower-case letters, digits and dashes.",
        )


def _renamed(content: bytes, secret: Secret, new: str, catalogue: Catalogue, store: Store) -> bytes:
    """Return the user's catalogue with another name in one entry, and nothing else changed."""
    lines = content.decode().splitlines(keepends=True)
    later = [one.line for one in catalogue.secrets if one.file == secret.file and one.line > secret.line]
    begin, end = secret.line - 1, min(later, default=len(lines) + 1) - 1
    text = "".join(lines[begin:end])
    for key, was, becomes in zip(("namespace", "name"), secret.id.split("/"), new.split("/"), strict=True):
        place = rf"(?<![-\w.])({key}:[ \t]+[\"']?){re.escape(was)}(?![-\w.])"
        if found := re.search(place, text):
            text = text[: found.end(1)] + becomes + text[found.end() :]
    renamed = "".join([*lines[:begin], text, *lines[end:]]).encode()
    where = str(store.root / USER_CATALOGUE)
    try:
        template = (store.root / "secrets/catalogue.yaml").read_bytes()
        ids = {one.id for one in parse_catalogue(template, where=where, user=renamed).secrets}
    except CatalogueError:
        ids = set()
    if ids != {new if one.id == secret.id else one.id for one in catalogue.secrets}:
        raise BadInputError(
            f"the entry of {secret.id} is written in a way that can't be changed for you; nothing was written",
            where=f"{where}:{secret.line}",
            fix="Write the new namespace and name there yourself, then run the same command again.",
        )
    return renamed


def _rename_values(store: Store, catalogue: Catalogue, secret: Secret, old: str, new: str | None = None) -> None:
    """Copy the values of a secret, all versions of them, to its new name in the vault."""
    target = new or secret.id
    vault = store.open(catalogue.cluster)
    values = {name: record for name, record in vault.values.get(old, {}).items() if name in secret.values}
    there = vault.values.get(target, {})
    if not values:
        raise BadInputError(f"the vault has no values of {old}", fix="`fmc secret list` shows what there is.")
    clash = [name for name, record in there.items() if name in values and values[name].secret != record.secret]
    if clash:
        raise BadInputError(
            f"the vault has values of {target} already, and {clash[0]} is another one than that of {old}",
            fix="Choose another name; a secret of that name had its values before.",
        )
    missing = {name: record for name, record in values.items() if name not in there}
    if missing:
        moved = {name: _placed(vault, target, name, record) for name, record in missing.items()}
        history = {**vault.history, target: dict(vault.history.get(old, {}))} if old in vault.history else vault.history
        after = replace(vault, values={**vault.values, target: {**there, **moved}}, history=history)
        save_vault(store.vault, after)


def _placed(vault: Vault, target: str, name: str, record: ValueRecord) -> ValueRecord:
    """Return a value as the first one of its new place; its age stays."""
    content = content_digest(vault.fingerprint_key, target, name, record.secret)
    return record.with_lineage(descendant(content, record.created, []))
