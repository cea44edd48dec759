"""Folders of files compared with each other and with what a repository has committed, without staging anything."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from generator.delivery.failures import local_error
from generator.delivery.gitcommand import repository_at, run
from generator.errors import BadInputError


class _Entry(NamedTuple):
    """What git records of a file: its mode and the name of its content."""

    mode: str
    blob: str


def tree_digest(path: Path) -> str:
    """Return the SHA-256 of all names, modes and contents below a folder, leaving out `.git` and empty folders."""
    digest = hashlib.sha256()
    for name, entry in sorted(_files(path, "sha256").items()):
        digest.update(f"{entry.mode} {entry.blob} {name}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def difference(repository: Path, staging: Path) -> list[str]:
    """Compare a rendered tree with the last commit of a repository.

    Contents are compared byte by byte: rendered files have LF line ends, and a conversion by .gitattributes would
    show up here as a change.

    Args:
        repository: A repository; one without a commit counts as empty.
        staging: A folder of files.

    Returns:
        Sorted paths, relative to the top, that were added, changed (content or executable bit), or are missing.

    Raises:
        BadInputError: `repository` is no repository.
    """
    repo = repository_at(repository)
    if repo is None:
        raise BadInputError(f"{repository} is no Git repository", where=str(repository))
    listed = run(repo.git.ls_tree, "-r", "-z", "--full-tree", "HEAD")
    unborn = listed.code and run(repo.git.rev_parse, "--quiet", "--verify", "HEAD").code
    if listed.code and not unborn:
        raise local_error(repository, "list the last commit", listed)
    committed = {} if unborn else _committed(listed.out)
    wide = any(len(entry.blob) == len(hashlib.sha256().hexdigest()) for entry in committed.values())
    rendered = _files(staging, "sha256" if wide else "sha1")
    return sorted(name for name in committed.keys() | rendered.keys() if committed.get(name) != rendered.get(name))


def _committed(listing: bytes) -> dict[str, _Entry]:
    """Parse `git ls-tree -r -z`: mode, type and object, a tab, the path."""
    entries = {}
    for line in listing.split(b"\0"):
        if line:
            head, _, name = line.partition(b"\t")
            mode, _kind, blob = head.decode().split(" ")
            entries[os.fsdecode(name)] = _Entry(mode, blob)
    return entries


def _files(path: Path, algorithm: str) -> dict[str, _Entry]:
    entries = {}
    for folder, names, files in os.walk(path):
        if folder == os.fspath(path) and ".git" in names:
            names.remove(".git")
        links = [name for name in names if Path(folder, name).is_symlink()]
        for name in (*files, *links):
            file = Path(folder, name)
            entries[file.relative_to(path).as_posix()] = _entry(file, algorithm)
    return entries


def _entry(file: Path, algorithm: str) -> _Entry:
    """Return mode and object name as git computes them (gitformat: `blob <size>`, NUL, content)."""
    if file.is_symlink():
        mode, content = "120000", os.fsencode(file.readlink())
    else:
        # git records one executable bit, the owner's.
        mode, content = ("100755" if file.stat().st_mode & 0o100 else "100644"), file.read_bytes()
    blob = hashlib.new(algorithm, b"blob %d\0" % len(content), usedforsecurity=False)
    blob.update(content)
    return _Entry(mode, blob.hexdigest())
