"""The manifest of a backup: whose it is, what is in it, and the checksum of each file."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from generator.errors import BadInputError

FORMAT = 1
ANSWERS, VAULT, README, STATE = "answers.yaml", "vault.age", "README.txt", "terraform.tfstate"
"""Names in the archive."""
NOTES = ("answers.json", "rotation.json", "state.json")
"""What fmc remembers of a workspace, each a file below `notes/`."""
PARTS = ("monorepo", "infra", "apps", "argocd")

_DAMAGED = "Take another backup: `fmc restore` uses nothing of one that is not whole."
_FOLDER = re.compile(r"(?!\.{1,2}$|\.fmc$|\.git$)[^/\x00-\x1f\x7f]{1,200}")

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Part = Annotated[str, Meta(pattern=f"^({'|'.join(PARTS)})$")]


class _Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the manifest."""


class FileRecord(_Record, frozen=True, kw_only=True):
    """One file of the archive, by its name there; one of `known_names`."""

    name: str
    bytes: Annotated[int, Meta(ge=0)]
    sha256: Digest

    def __post_init__(self) -> None:
        if self.name not in known_names():
            raise ValueError("a file of the archive has a name that no backup has")


class RepositoryRecord(_Record, frozen=True, kw_only=True):
    """One repository, whose bundle is `repositories/PART.bundle`.

    Attributes:
        part: Its layout.
        folder: Its folder in the workspace.
        url: Its remote.
        branch: The branch that is checked out.
        commit: Where that branch is.
        object_format: The hash that it names its objects with.
        uncommitted: Files that differed from that commit; the backup does not have them.
    """

    part: Part
    folder: str
    url: str
    branch: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][^\s~^:?*\[\\]*$", max_length=200)]
    commit: Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
    object_format: Annotated[str, Meta(pattern="^sha(1|256)$")]
    uncommitted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _FOLDER.fullmatch(self.folder):
            raise ValueError("the folder of a repository is no name of a folder")


class Manifest(_Record, frozen=True, kw_only=True):
    """What is in a backup.

    Attributes:
        format: Of the archive.
        fmc: The version of fmc that wrote it.
        cluster: Name of the cluster.
        made: When, in UTC, as ISO 8601 with whole seconds.
        repositories: In the order of delivery.
        files: All files of the archive besides this one, in its order.
    """

    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)] = FORMAT
    fmc: str
    cluster: str
    made: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]
    repositories: tuple[RepositoryRecord, ...]
    files: tuple[FileRecord, ...]

    def __post_init__(self) -> None:
        names = [file.name for file in self.files]
        folders = [repository.folder for repository in self.repositories]
        if len(set(names)) < len(names) or len(set(folders)) < len(folders):
            raise ValueError("something is in it twice")
        wanted = {VAULT, *(bundle_name(repository.part) for repository in self.repositories)}
        if not self.repositories or not wanted <= set(names):
            raise ValueError("the vault or a repository is not in it")

    def to_bytes(self) -> bytes:
        """Return it as JSON that people can read."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def bundle_name(part: str) -> str:
    """Return the name that the bundle of a repository has in the archive."""
    return f"repositories/{part}.bundle"


def note_name(note: str) -> str:
    """Return the name that a note of fmc has in the archive."""
    return f"notes/{note}"


def known_names() -> frozenset[str]:
    """Return every name that a file of an archive can have: no other is ever written to a disk."""
    return frozenset({README, ANSWERS, VAULT, STATE, *map(note_name, NOTES), *map(bundle_name, PARTS)})


def read_manifest(content: bytes, where: str) -> Manifest:
    """Read what `to_bytes` wrote.

    Args:
        content: The file.
        where: The backup, for the message.

    Raises:
        BadInputError: It is something else, or of a newer format.
    """
    try:
        document = msgspec.json.decode(content)
        version = document.get("format") if isinstance(document, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise BadInputError(
                f"the backup has format {version}, this fmc knows {FORMAT}: a newer fmc wrote it",
                where=where,
                fix="Install the version of fmc that its manifest.json names, or a later one.",
            )
        return msgspec.convert(document, Manifest)
    except (ValueError, RecursionError) as error:
        raise damaged(f"its manifest can't be used: {error}", where) from None


def damaged(why: str, where: str) -> BadInputError:
    """Return the error for a file that is no whole backup."""
    return BadInputError(f"the backup is damaged: {why}", where=where, fix=_DAMAGED)
