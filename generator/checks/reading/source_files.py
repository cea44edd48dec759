"""The files of the trees that are checked: those that Git would commit, each read once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from generator.errors import BadInputError, ToolError
from generator.findings import Finding, Flaw, declare
from generator.tools.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SYMLINK = declare("files/symlink", "A symbolic link stays inside its repository.")

INFRA, ARGOCD, APPS = "infra", "argocd", "apps"
_YAML = frozenset({".yaml", ".yml"})
_NEVER_COMMITTED = frozenset({".git", ".terraform", ".venv", "__pycache__", "node_modules"})


@dataclass(frozen=True)
class SourceFile:
    """A file of a tree.

    Attributes:
        part: The part that the tree is of: `infra`, `argocd`, `apps`, or another name for what is none of them.
        path: Place within the tree.
        name: How findings name it: the tree's folder and the place within.
        real: Where it lies.
    """

    part: str
    path: PurePosixPath
    name: str
    real: Path

    @property
    def is_yaml(self) -> bool:
        """Return whether its name says that it holds YAML."""
        return self.path.suffix.lower() in _YAML

    @cached_property
    def content(self) -> bytes:
        """Return its bytes.

        Raises:
            BadInputError: It can't be read.
        """
        try:
            return self.real.read_bytes()
        except OSError as error:
            message = f"can't read {self.name}: {error.strerror or error}"
            raise BadInputError(message, where=self.name, fix="Correct its permissions, or remove it.") from error


def list_files(trees: Mapping[str, Path]) -> tuple[list[SourceFile], list[Finding]]:
    """List the files of all trees.

    In a Git repository those are the files that are or could be committed: what .gitignore names is left out. A tree
    inside of another one, such as a part inside of a monorepo, is listed once, as itself.

    Args:
        trees: Folder of each part.

    Returns:
        The files, sorted, and findings about links.

    Raises:
        BadInputError: A folder is not there.
    """
    files: list[SourceFile] = []
    findings: list[Finding] = []
    for part, given in sorted(trees.items()):
        folder = given.resolve()
        if not folder.is_dir():
            raise BadInputError(f"there is no folder {given}", where=str(given), fix="Name the cluster's workspace.")
        repository = _repository(folder)
        inner = [other.resolve() for other in trees.values() if folder in other.resolve().parents]
        for path in sorted(_paths(folder)):
            file = SourceFile(part, path, f"{folder.name}/{path}", folder / path)
            if any(file.real.is_relative_to(other) for other in inner):
                continue
            if file.real.is_symlink() and not file.real.resolve().is_relative_to(repository):
                findings.append(_link_finding(file))
            elif file.real.is_file():
                files.append(file)
    return files, findings


def _link_finding(file: SourceFile) -> Finding:
    message = "this link leads out of the repository: it is broken in every clone, and Argo CD refuses the repository"
    return SYMLINK.finding(Flaw(file.name, 0, message, fix="Replace it by a file."))


def _repository(folder: Path) -> Path:
    """Return the top of the repository that a part lies in: the folder itself, or the one above in a monorepo."""
    folder = folder.resolve()
    return folder.parent if not (folder / ".git").exists() and (folder.parent / ".git").exists() else folder


def _paths(folder: Path) -> list[PurePosixPath]:
    """Return the places of all files and links; what git doesn't know of at all is walked through."""
    return _listed_by_git(folder) or [PurePosixPath(path) for path in _walked(folder)]


def _listed_by_git(folder: Path) -> list[PurePosixPath]:
    """Ask git which files are or could be committed; nothing if there is no repository or no git."""
    git_folder = _repository(folder) / ".git"
    if not git_folder.exists():
        return []
    environment = {"GIT_OPTIONAL_LOCKS": "0"}
    if git_folder.is_dir():
        # A hook runs with these set to its own repository.
        environment |= {
            "GIT_DIR": str(git_folder),
            "GIT_WORK_TREE": str(git_folder.parent),
            "GIT_INDEX_FILE": str(git_folder / "index"),
        }
    arguments = ["-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = Command("git", environment=environment).run(arguments, cwd=folder).stdout
    except ToolError:
        return []
    return [PurePosixPath(os.fsdecode(name)) for name in set(listed.split(b"\0")) if name]


def _walked(folder: Path) -> Iterator[str]:
    for parent, names, files in os.walk(folder):
        names[:] = sorted(set(names) - _NEVER_COMMITTED)
        links = [name for name in names if Path(parent, name).is_symlink()]
        for name in (*files, *links):
            yield Path(parent, name).relative_to(folder).as_posix()
