"""Reading `catalogue.yaml` and `catalogue.user.yaml` as one: all findings at once, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError, CatalogueError
from generator.inputs import read_bounded
from generator.secrets.catalogue.entry import NAMESPACE, SUBDOMAIN, read_machine_secret, read_name, read_secret
from generator.secrets.catalogue.model import CATALOGUE, MACHINES, USER_CATALOGUE, Catalogue, MachineSecret, Secret
from generator.secrets.catalogue.section import LIMITS, read_document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from generator.findings import Finding
    from generator.secrets.catalogue.model import Entry
    from generator.secrets.catalogue.section import Section

VERSION = 1


def read_catalogue(root: Path) -> Catalogue:
    """Read the catalogue of a repository, the user's own entries after the template's.

    Args:
        root: Folder that holds `secrets/`.

    Raises:
        BadInputError: There is none, or a file can't be read; the user's may be absent.
        CatalogueError: It has findings.
    """
    path, own = root / CATALOGUE, root / USER_CATALOGUE
    fix = "Render the repository first (fmc new), or restore the file from Git."
    content = _read(path, "the catalogue of secrets", fix)
    user = None
    if own.is_symlink() or own.exists():
        user = _read(own, "your catalogue of secrets", "Correct its permissions, or restore the file from Git.")
    return parse_catalogue(content, where=str(path), user=user)


def _read(path: Path, name: str, fix: str) -> bytes:
    try:
        return read_bounded(path, LIMITS.bytes)
    except BadInputError as error:
        raise BadInputError(error.message.replace(str(path), name), where=str(path), fix=fix) from error


def parse_catalogue(text: str | bytes, *, where: str, user: bytes | None = None) -> Catalogue:
    """Parse the text of a catalogue.

    Args:
        text: The content of the file.
        where: The file, for messages.
        user: The content of the user's own file, if there is one.

    Raises:
        CatalogueError: It has findings.
    """
    findings: list[Finding] = []
    top = read_document(text.encode() if isinstance(text, str) else text, CATALOGUE, findings)
    head = _head(top) if top else ("", "", "")
    own = (
        read_document(user, USER_CATALOGUE, findings) if user is not None and _holds_more_than_comments(user) else None
    )
    if own:
        own.only(("version", "secrets", MACHINES))
        _require_version(own)
    files = [file for file in (top, own) if file]
    entries = _distinct(
        [
            *((section, read_secret) for file in files for section in file.sections("secrets")),
            *((section, read_machine_secret) for file in files for section in file.sections(MACHINES, optional=True)),
        ]
    )
    if findings:
        raise CatalogueError("the catalogue of secrets can't be used", findings, where=where)
    return Catalogue(
        *head,
        secrets=tuple(entry for entry in entries if isinstance(entry, Secret)),
        machines=tuple(entry for entry in entries if isinstance(entry, MachineSecret)),
    )


def _head(top: Section) -> tuple[str, str, str]:
    """Read the name of the cluster, and namespace and name of the sealing key's Secret."""
    top.only(("version", "cluster", "sealing_key", "secrets", MACHINES))
    _require_version(top)
    cluster = read_name(top, "cluster", NAMESPACE)
    key = top.section("sealing_key")
    if key is None:
        return cluster, "", ""
    key.only(("namespace", "name"))
    return cluster, read_name(key, "namespace", NAMESPACE), read_name(key, "name", SUBDOMAIN)


def _holds_more_than_comments(content: bytes) -> bool:
    """Tell whether a file says anything: a person may have emptied it."""
    return any(line.strip() and not line.lstrip().startswith(b"#") for line in content.splitlines())


def _require_version(top: Section) -> None:
    if top.number("version", 0, 0, 2**31) != VERSION:
        top.report("version", f"version must be {VERSION}, the one that this fmc reads", key="version")


def _distinct(sections: list[tuple[Section, Callable[[Section], Entry]]]) -> tuple[Entry, ...]:
    """Read the entries of both files, each with its reader, and report what stands in them twice."""
    secrets: dict[str, Entry] = {}
    variables: dict[str, str] = {}
    for section, read in sections:
        secret = read(section)
        if all(secret.id.split("/")) and secret.id in secrets:
            first = secrets[secret.id]
            place = f"line {first.line}" if first.file == secret.file else f"{first.file}:{first.line}"
            section.report("duplicate", f"{secret.id} is already in {place}", key="name")
            continue
        secrets[secret.id] = secret
        for value in secret.values.values():
            name = f"{secret.id}: {value.name}"
            if value.env and variables.setdefault(value.env, name) != name:
                section.report(
                    "environment",
                    f"{value.env} supplies {variables[value.env]} already; a variable supplies one value",
                    key="values",
                    fix="Give each value a variable of its own, or none: `fmc secret set` takes it as well.",
                )
    return tuple(secrets.values())
