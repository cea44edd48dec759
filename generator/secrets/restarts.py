"""Restarts by Git: a pod that reads a Secret at its start alone names it in an annotation, and fmc keeps its revision.

    flatcar-microcloud.local/restart-with: "shop-production/shop-database=initial"

A new value is another revision, so the Deployment rolls. A revision is that of the sealed manifest (`vault.lineage`),
or `pending` where a person has still to supply a value: so whoever has no vault can check it.

Argo CD syncs the Secrets and their readers apart. Where the catalogue says `revision_key`, the Secret has a key
`NAME.REVISION`: the kubelet starts a container that has a variable from it once the Secret has that revision, and the
old pods stay until then. fmc keeps that name up to date, and an `optional` behind it, true as long as it is pending.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import CatalogueError
from generator.files import remove_leftovers, write_atomic
from generator.findings import Finding, Severity
from generator.inputs import read_bounded
from generator.secrets.catalogue.model import Generator
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.restart_marks import (
    ANNOTATION,
    NAMED,
    OPTIONAL,
    entries,
    find_marks,
    is_comment,
    optional_value,
    with_revisions,
    without_revisions,
)
from generator.secrets.sealing.files import is_sealed_file, sealed_snapshot
from generator.secrets.sealing.manifest import parse
from generator.secrets.vault.lineage import INITIAL, PENDING, whole_revision
from generator.wording import did_you_mean, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from generator.secrets.catalogue.model import Secret

RULE = "secrets/restart"
_BYTES = ANNOTATION.encode()
_SUFFIXES = (".yaml", ".yml")
_LARGEST = 4 << 20  # bytes


@dataclass(frozen=True)
class Restart:
    """A place that names a Secret whose revision it has to have.

    Attributes:
        file: The file.
        line: Its line.
        secret: `namespace/name` of the Secret.
    """

    file: Path
    line: int
    secret: str


def revisions(root: Path) -> dict[str, str]:
    """Return the revision of each Secret of a repository, by `namespace/name`.

    Args:
        root: Folder that holds `secrets/`.

    Raises:
        BadInputError: A sealed manifest can't be read.
    """
    found = {}
    for content in sealed_snapshot(root).values():
        if manifest := parse(content.decode(errors="replace")):
            found[f"{manifest.namespace}/{manifest.name}"] = whole_revision(
                text for _, text in sorted(manifest.sealed.lineages.items())
            )
    return found


def restarts(folders: Mapping[str, Path]) -> list[Restart]:
    """Return who restarts with which Secret.

    Args:
        folders: The repository parts in which workloads are, by name.
    """
    return [
        Restart(file, text.count("\n", 0, found.start()) + 1, name.partition("=")[0])
        for file, text in _annotated(folders)
        for found in find_marks(text)
        for name in entries(found)
    ]


def write_restarts(
    root: Path, folders: Mapping[str, Path], before: Callable[[Path], None] = lambda _: None
) -> tuple[Path, ...]:
    """Bring the annotations up to date, and return the files that are others now.

    What a killed run left of a file that it was writing is removed.

    Args:
        root: Folder that holds `secrets/`.
        folders: The repository parts in which workloads are, by name.
        before: Is given each file before another one takes its place.

    Raises:
        BadInputError: A file can't be read.
        WriteError: The disk refused.
    """
    known: dict[str, str] | None = None
    changed = []
    for file, text in _annotated(folders):
        known = _known(root) if known is None else known
        remove_leftovers(file)
        if (after := with_revisions(text, known)) != text:
            before(file)
            write_atomic(file, after.encode(errors="surrogateescape"), mode=file.stat().st_mode & 0o777)
            changed.append(file)
    return tuple(changed)


def differ_in_revisions_alone(before: bytes, after: bytes) -> bool:
    """Return whether two contents of a file are the same but for the revisions in its annotations.

    Args:
        before: What was committed.
        after: What lies there.
    """
    if _BYTES not in after:
        return False
    first, second = (without_revisions(content.decode(errors="surrogateescape")) for content in (before, after))
    return first == second


def verify_restarts(root: Path, folders: Mapping[str, Path]) -> list[Finding]:
    """Return a finding for each annotation that names no Secret, or that `fmc seal` would change.

    Args:
        root: Folder that holds `secrets/`.
        folders: The repository parts in which workloads are, by name.

    Raises:
        BadInputError: A file can't be read.
    """
    findings: list[Finding] = []
    known: dict[str, str] | None = None
    with_key: set[str] = set()
    for file, text in _annotated(folders):
        if known is None:
            known = _known(root)
            with_key = {secret.id for secret in _catalogued(root) if secret.revision_key}
        findings += _findings(_shown(file, folders), text, known, with_key)
    return findings


def _findings(file: str, text: str, known: Mapping[str, str], with_key: Container[str]) -> Iterator[Finding]:
    marks = list(find_marks(text))
    read = {found.start() for found in marks}
    for found in NAMED.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found.start() not in read and not is_comment(text, found.start()):
            message = f"what stands behind {ANNOTATION} can't be read"
            fix = f'Write it on one line, in quotes: `{ANNOTATION}: "NAMESPACE/NAME"`.'
            yield Finding(file, line, RULE, message, path=ANNOTATION, fix=fix)
    for found in marks:
        line = text.count("\n", 0, found.start()) + 1
        for entry in entries(found):
            secret, _, revision = entry.partition("=")
            if secret not in known:
                message = f"{printable(secret, 80)} is no secret of the catalogue: nothing restarts with it"
                yield Finding(file, line, RULE, message, path=ANNOTATION, fix=did_you_mean(secret, known))
                continue
            yield from _waiting(file, text, secret, revision or INITIAL, has_key=secret in with_key)
            if (revision or INITIAL) != known[secret]:
                message = (
                    f"{secret} has no value yet, and this pod would not restart with its first one"
                    if known[secret] == PENDING
                    else f"{secret} has another value since, and this pod keeps the old one until it restarts"
                )
                fix = "Run `fmc seal`: it writes the revision here, and `fmc push` delivers it."
                yield Finding(file, line, RULE, message, path=ANNOTATION, fix=fix, severity=Severity.WARNING)


def _waiting(file: str, text: str, secret: str, revision: str, *, has_key: bool) -> Iterator[Finding]:
    """Yield a finding for each key that a container waits for in vain."""
    name = secret.partition("/")[2]
    key = rf"""\bkey:[ \t]*["']?{re.escape(name)}\.([-._A-Za-z0-9]+)(?:{OPTIONAL}(?P<optional>true|false))?"""
    for found in re.finditer(key, text):
        line = text.count("\n", 0, found.start()) + 1
        if not has_key:
            message = f"{secret} has no key with its revision: the container would wait for ever"
            fix = f"Write `revision_key: true` into the entry of {secret}, and run `fmc seal`."
            yield Finding(file, line, RULE, message, path=found[1], fix=fix)
        elif found[1] != revision:
            message = f"the container waits for another revision of {secret} than the annotation names"
            yield Finding(file, line, RULE, message, path=found[1], fix=f"Write `key: {name}.{revision}`.")
        elif found["optional"] not in (None, right := optional_value(revision)):
            message = (
                f"the container would wait for {secret}, which has no value yet"
                if revision == PENDING
                else f"the container does not wait for {secret}, and may start before the cluster has it"
            )
            yield Finding(
                file, line, RULE, message, path=found[1], fix=f"Write `optional: {right}`, as `fmc seal` does."
            )


def _annotated(folders: Mapping[str, Path]) -> Iterator[tuple[Path, str]]:
    """Yield the YAML files that have the annotation, each once; links are not followed, they could lead anywhere."""
    for folder in dict.fromkeys(folders.values()):
        for place, names, files in os.walk(folder):
            names[:] = sorted(name for name in names if name != ".git")
            for name in sorted(files):
                file = Path(place, name)
                if not name.endswith(_SUFFIXES) or is_sealed_file(name) or file.is_symlink():
                    continue
                content = read_bounded(file, _LARGEST)
                if _BYTES in content and len(content) <= _LARGEST:
                    # What is no text has no marks that could be read, and keeps its bytes.
                    yield file, content.decode(errors="surrogateescape")


def _known(root: Path) -> dict[str, str]:
    """Return the revision of each Secret, by `namespace/name`, of those that nobody has sealed yet as well."""
    return {secret.id: PENDING if _waits(secret) else INITIAL for secret in _catalogued(root)} | revisions(root)


def _waits(secret: Secret) -> bool:
    return any(value.generator is Generator.EXTERNAL for value in secret.values.values())


def _catalogued(root: Path) -> tuple[Secret, ...]:
    with suppress(CatalogueError):
        return read_catalogue(root).secrets
    return ()


def _shown(file: Path, folders: Mapping[str, Path]) -> str:
    inside = (folder for folder in folders.values() if file.is_relative_to(folder))
    return next((f"{folder.name}/{file.relative_to(folder).as_posix()}" for folder in inside), str(file))
