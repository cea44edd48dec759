"""Git's objects: folders and the trees of commits as what Git records of them, contents read, and objects made.

Objects are made as loose ones (gitrepository-layout(5)): a tree of a thousand files then takes no program at all.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import zlib
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from generator.delivery.git.command import Output, output_of, run
from generator.delivery.git.failures import local_error
from generator.files import write_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from git import Repo

_SHA256_HEX = 64
_FOLDER_MODE = "40000"
LINK_MODE = "120000"
SUBMODULE_MODE = "160000"


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
    listed = listed_tree(repo, commit)
    if isinstance(listed, Output):
        raise local_error(path, "list the files of a commit", listed)
    return listed


def listed_tree(repo: Repo, tree: str, variables: Mapping[str, str] | None = None) -> dict[str, Entry] | Output:
    """Return the files of a tree or commit by their paths, or what git left where it can't list them all.

    Args:
        repo: The repository.
        tree: A tree or commit.
        variables: What git runs with.
    """
    listed = run(repo.git.ls_tree, "-r", "-z", "--full-tree", tree, variables=variables)
    if listed.code:
        return listed
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
    return {name: _entry(f"{path}/{name}", algorithm) for name in files_below(path)}


def files_below(top: Path, name: str = "") -> Iterator[str]:
    """Yield all files and links under a name, relative to the top, leaving out `.git`; the name itself if it is one."""
    if (top / name).is_symlink() or (top / name).is_file():
        yield name
        return
    # Of "." nothing would be left at the beginning of a path.
    top = top.absolute()
    start = len(f"{top}/")
    for folder, names, files in os.walk(top / name):
        if folder == os.fspath(top) and ".git" in (*names, *files):
            (names if ".git" in names else files).remove(".git")
        links = [one for one in names if Path(folder, one).is_symlink()]
        # To make paths and take them apart again costs more than the walk.
        yield from (f"{folder}/{one}"[start:] for one in (*files, *links))


def entry_of_file(file: Path, algorithm: str) -> Entry:
    """Return mode and object name of a file or link as git computes them: of `blob <size>`, NUL, content."""
    return _entry(os.fspath(file), algorithm)


def _entry(file: str, algorithm: str) -> Entry:
    # Files are looked at some thousand times in a run, where to make paths of their names takes half of it.
    found = os.lstat(file).st_mode
    # git records one executable bit, the owner's.
    mode = LINK_MODE if stat.S_ISLNK(found) else "100755" if found & 0o100 else "100644"
    return Entry(mode, _identified("blob", _content(file, found), algorithm)[0])


def content_of_file(file: Path) -> bytes:
    """Return what git records as the content of a file or link: of a link, where it leads to."""
    return _content(os.fspath(file), file.lstat().st_mode)


def _content(file: str, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        return os.fsencode(Path(file).readlink())
    with FileIO(file) as stream:
        return stream.readall()


def contents_of_blobs(
    path: Path, repo: Repo, blobs: Sequence[str], variables: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """Yield the content of each blob, in order.

    Args:
        path: The repository, for messages.
        repo: The repository.
        blobs: Names of blobs.
        variables: What git runs with.

    Raises:
        ToolError: git failed, or lacks one of them.
    """
    if not blobs:
        return
    with tempfile.TemporaryFile() as names:
        names.write("".join(f"{blob}\n" for blob in blobs).encode())
        names.seek(0)
        with output_of(repo.git.cat_file, "--batch", stdin=names, variables=variables) as stream:
            for blob in blobs:
                # Name, type and size in a line, the content, a line break (git-cat-file(1), BATCH OUTPUT).
                answer = stream.readline().decode().split()
                if answer[1:2] != ["blob"]:
                    raise local_error(path, "read files of a commit", Output(1, b"", f"object {blob} is missing"))
                yield stream.read(int(answer[2]))
                stream.read(1)


def write_blob(objects: Path, content: bytes, algorithm: str) -> str:
    """Write a blob into a folder of objects, and return its name.

    Raises:
        WriteError: The disk refused.
    """
    return _write(objects, "blob", content, algorithm)


def write_tree(objects: Path, entries: Mapping[str, Entry], algorithm: str) -> str:
    """Write the trees that hold these files, by their paths, and return the name of the top.

    Raises:
        WriteError: The disk refused.
    """
    children: dict[str, Entry] = {}
    folders: dict[str, dict[str, Entry]] = {}
    for path, entry in entries.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = entry
        else:
            children[name] = entry
    for name, below in folders.items():
        children[name] = Entry(_FOLDER_MODE, write_tree(objects, below, algorithm))
    # git sorts a folder as if its name ended with a slash.
    ordered = sorted(children.items(), key=lambda child: os.fsencode(child[0]) + b"/" * (child[1].mode == _FOLDER_MODE))
    lines = (b"%s %s\0%s" % (one.mode.encode(), os.fsencode(name), bytes.fromhex(one.blob)) for name, one in ordered)
    return _write(objects, "tree", b"".join(lines), algorithm)


def write_commit(objects: Path, tree: str, parents: Sequence[str], algorithm: str) -> str:
    """Write a commit that nobody will ever see, and return its name: git merges commits, not trees.

    Raises:
        WriteError: The disk refused.
    """
    who = "fmc <> 0 +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}", "", ""]
    return _write(objects, "commit", "\n".join(lines).encode(), algorithm)


def _identified(kind: str, content: bytes, algorithm: str) -> tuple[str, bytes]:
    """Return the name of an object, and what it is the hash of: kind and size, NUL, content."""
    whole = b"%s %d\0%s" % (kind.encode(), len(content), content)
    return hashlib.new(algorithm, whole, usedforsecurity=False).hexdigest(), whole


def _write(objects: Path, kind: str, content: bytes, algorithm: str) -> str:
    name, whole = _identified(kind, content, algorithm)
    file = objects / name[:2] / name[2:]
    if file.exists():
        return name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix="tmp_obj_", delete=False) as stream:
            stream.write(zlib.compress(whole, 1))
        Path(stream.name).chmod(0o444)
        Path(stream.name).replace(file)
    except OSError as error:
        raise write_error(objects, error) from error
    return name
