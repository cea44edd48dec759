"""The files of the trees that are checked: those that Git would commit, each read once."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.findings import Finding, Flaw, Severity, declare
from generator.tools.git import PROGRAM, git
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SYMLINK = declare("files/symlink", "A symbolic link stays inside its repository.")
TOO_LARGE = declare("files/too-large", "A file is small enough for a forge to take it, and to be searched.")

UNMERGED = declare("files/unmerged", "The index holds no file that git has in conflict.")

INFRA, ARGOCD, APPS = "infra", "argocd", "apps"
LARGEST = 100 << 20
"""Bytes of a committed file: GitHub and others refuse a push with a larger one."""
LARGEST_NEW = 4 << 20
"""Bytes of a file that git does not know: what a person has still to add is hardly larger."""
MOST_NEW = 32 << 20
"""Bytes of all files that git does not know: more is the output of some tool, which nobody is going to commit."""
_YAML = frozenset({".yaml", ".yml"})
_NEVER_COMMITTED = frozenset({".git", ".terraform", ".venv", "__pycache__", "node_modules"})
# What git itself looks at to tell text from binary content (buffer_is_binary).
_BINARY_PREFIX = 8000


class _Known(StrEnum):
    """What git says about a file: the letters of git-ls-files(1), -t, that make a difference here."""

    COMMITTED = "H"
    UNMERGED = "M"
    NEW = "?"


@dataclass(frozen=True)
class SourceFile:
    """A file of a tree.

    Attributes:
        part: The part that the tree is of: `infra`, `argocd`, `apps`, or another name for what is none of them.
        path: Place within the tree.
        name: How findings name it: the tree's folder and the place within.
        real: Where it lies.
        is_read: False for one that is too large to be looked into; a finding says so.
    """

    part: str
    path: PurePosixPath
    name: str
    real: Path
    is_read: bool = True

    @property
    def is_yaml(self) -> bool:
        """Return whether its name says that it holds YAML."""
        return self.path.suffix.lower() in _YAML

    @property
    def is_binary(self) -> bool:
        """Return whether git would take it for binary content."""
        return b"\0" in self.content[:_BINARY_PREFIX]

    @cached_property
    def content(self) -> bytes:
        """Return its bytes; none of one that is not read.

        Raises:
            BadInputError: It can't be read.
        """
        try:
            return self.real.read_bytes() if self.is_read else b""
        except OSError as error:
            message = f"can't read {self.name}: {error.strerror or error}"
            raise BadInputError(message, where=self.name, fix="Correct its permissions, or remove it.") from error


@dataclass
class _Listing:
    """The files found so far, and how much of what git does not know may still be read."""

    files: list[SourceFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left: int = field(default_factory=lambda: MOST_NEW)

    def add(self, file: SourceFile, known: _Known) -> None:
        size, is_new = file.real.stat().st_size, known is _Known.NEW
        if not is_new and size <= LARGEST:
            self.files.append(file)
        elif is_new and size <= min(LARGEST_NEW, self.left):
            self.left -= size
            self.files.append(file)
        else:
            self.files.append(SourceFile(file.part, file.path, file.name, file.real, is_read=False))
            self.findings.append(_too_large(file, size, is_new))


def list_files(trees: Mapping[str, Path]) -> tuple[list[SourceFile], list[Finding]]:
    """List the files of all trees.

    In a Git repository those are the files that are or could be committed: what .gitignore names is left out. A tree
    inside of another one, such as a part inside of a monorepo, is listed once, as itself.

    Args:
        trees: Folder of each part.

    Returns:
        The files, sorted, and findings about links and sizes.

    Raises:
        BadInputError: A folder is not there, or its repository belongs to another user.
        ToolError: git can't say which files there are.
    """
    listing = _Listing()
    for part, given in sorted(trees.items()):
        folder = given.resolve()
        if not folder.is_dir():
            raise BadInputError(f"there is no folder {given}", where=str(given), fix="Name the cluster's workspace.")
        repository = _repository(folder)
        inner = [other.resolve() for other in trees.values() if folder in other.resolve().parents]
        for path, known in sorted(_paths(folder).items()):
            file = SourceFile(part, path, f"{folder.name}/{path}", folder / path)
            if any(file.real.is_relative_to(other) for other in inner):
                continue
            if known is _Known.UNMERGED:
                listing.findings.append(_unmerged(file))
            if file.real.is_symlink() and not file.real.resolve().is_relative_to(repository):
                listing.findings.append(_link_finding(file))
            elif file.real.is_file():
                listing.add(file, known)
    return listing.files, listing.findings


def _link_finding(file: SourceFile) -> Finding:
    message = "this link leads out of the repository: it is broken in every clone, and Argo CD refuses the repository"
    return SYMLINK.finding(Flaw(file.name, 0, message, fix="Replace it by a file."))


def _unmerged(file: SourceFile) -> Finding:
    message = "git has this file in conflict: a merge, rebase or `copier update` was not brought to its end"
    add = command("git", "-C", str(file.real.parent), "add", file.real.name)
    return UNMERGED.finding(Flaw(file.name, 0, message, fix=f"Settle it in the file, then tell git: {add}."))


def _too_large(file: SourceFile, size: int, is_new: bool) -> Finding:
    if is_new:
        message = f"this file of {size >> 20} MiB is not committed, and too much was to be read to look into it as well"
        fix = "Name it in .gitignore, or move it elsewhere; where it belongs here, commit it and check again."
        return TOO_LARGE.finding(Flaw(file.name, 0, message, fix=fix, severity=Severity.WARNING))
    message = f"this file has {size >> 20} MiB, and forges refuse one of more than {LARGEST >> 20} MiB"
    fix = "Keep it elsewhere, and take it out of the commits as well (`git commit --amend`, `git rebase`)."
    return TOO_LARGE.finding(Flaw(file.name, 0, message, fix=fix))


def _repository(folder: Path) -> Path:
    """Return the top of the repository that a part lies in: the folder itself, or the one above in a monorepo."""
    folder = folder.resolve()
    return folder.parent if not (folder / ".git").exists() and (folder.parent / ".git").exists() else folder


def _paths(folder: Path) -> dict[PurePosixPath, _Known]:
    """Return the places of all files and links, and what git says of each.

    What git doesn't know of at all, such as a folder that is being made, is walked through as if it were committed.
    """
    return _listed_by_git(folder) or {PurePosixPath(path): _Known.COMMITTED for path in _walked(folder)}


def _listed_by_git(folder: Path) -> dict[PurePosixPath, _Known]:
    """Ask git which files are or could be committed; nothing if there is no repository or no git.

    Raises:
        BadInputError: The repository belongs to another user.
        ToolError: git is there, and fails.
    """
    top = _repository(folder)
    if not (top / ".git").exists() or shutil.which(PROGRAM) is None:
        return {}
    listed = git(folder, "ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard", top=top).stdout
    # Each entry is a letter, a space and the path; a path in conflict comes once for each side.
    entries = (os.fsdecode(entry) for entry in listed.split(b"\0") if entry)
    letters = {known.value: known for known in _Known}
    return {PurePosixPath(entry[2:]): letters.get(entry[0], _Known.COMMITTED) for entry in entries}


def _walked(folder: Path) -> Iterator[str]:
    for parent, names, files in os.walk(folder):
        names[:] = sorted(set(names) - _NEVER_COMMITTED)
        links = [name for name in names if Path(parent, name).is_symlink()]
        for name in (*files, *links):
            yield Path(parent, name).relative_to(folder).as_posix()
