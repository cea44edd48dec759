"""Folders of files, and the trees of commits, as what Git records of them; nothing is staged or written for that."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from generator.delivery.git.command import run
from generator.delivery.git.failures import local_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git import Repo

_SHA256_HEX = 64


class Entry(NamedTuple):
    """What git records of a file: its mode (octal) and the name of its content."""

    mode: str
    blob: str


def algorithm_of(commit: str | None) -> str:
    """Return the hash that a repository names its objects with, given one of its commits."""
    return "sha256" if commit is not None and len(commit) == _SHA256_HEX else "sha1"


def entries_of_commit(path: Path, repo: Repo, commit: str | None) -> dict[str, Entry]:
    """Return the files of a commit by their paths; nothing where there is no commit.

    Raises:
        ToolError: git failed.
    """
    if commit is None:
        return {}
    listed = run(repo.git.ls_tree, "-r", "-z", "--full-tree", commit)
    if listed.code:
        raise local_error(path, "list the files of a commit", listed)
    # Mode, type and object, a tab, the path (git-ls-tree(1), OUTPUT FORMAT).
    entries = {}
    for line in listed.out.split(b"\0"):
        if line:
            head, _, name = line.partition(b"\t")
            mode, _kind, blob = head.decode().split(" ")
            entries[os.fsdecode(name)] = Entry(mode, blob)
    return entries


def entries_of_folder(path: Path, algorithm: str) -> dict[str, Entry]:
    """Return the files below a folder by their paths, leaving out `.git`.

    Contents are taken byte by byte: rendered files have LF line ends, which no .gitattributes converts.

    Args:
        path: The folder.
        algorithm: sha1 or sha256, as the repository wants it that they are compared with.
    """
    return {name: entry_of_file(path / name, algorithm) for name in files_below(path)}


def files_below(top: Path, name: str = "") -> Iterator[str]:
    """Yield all files and links under a name, relative to the top, leaving out `.git`; the name itself if it is one."""
    if (top / name).is_symlink() or (top / name).is_file():
        yield name
        return
    for folder, names, files in os.walk(top / name):
        if folder == os.fspath(top) and ".git" in (*names, *files):
            (names if ".git" in names else files).remove(".git")
        links = [one for one in names if Path(folder, one).is_symlink()]
        yield from (Path(folder, one).relative_to(top).as_posix() for one in (*files, *links))


def entry_of_file(file: Path, algorithm: str) -> Entry:
    """Return mode and object name of a file or link as git computes them: of `blob <size>`, NUL, content."""
    if file.is_symlink():
        mode, content = "120000", os.fsencode(file.readlink())
    else:
        # git records one executable bit, the owner's.
        mode, content = ("100755" if file.stat().st_mode & 0o100 else "100644"), file.read_bytes()
    blob = hashlib.new(algorithm, b"blob %d\0" % len(content), usedforsecurity=False)
    blob.update(content)
    return Entry(mode, blob.hexdigest())
