"""Writing files so that a reader never sees half of one: temporary neighbour, fsync, rename.

What is replaced keeps its owner, and root at work in somebody's folder leaves files that are theirs.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

_RANDOM_CHARACTERS = 8  # of the names that tempfile.mkstemp makes
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644, follow: bool = False) -> None:
    """Write a file by rename, creating its folder.

    Args:
        path: The file to make or replace. One that is there keeps its owner, and a private one (0600) that its owner
            shares with a group stays shared.
        content: All of its bytes.
        mode: Permission bits; the temporary neighbour is 0600 until it is complete.
        follow: Replace what a symbolic link leads to, not the link. For files of the operator's own alone: a link that
            came with a repository could lead anywhere.

    Raises:
        WriteError: The disk refused (full, read-only or not permitted), or a link is another user's. The file is as it
            was before.
    """
    target = followed(path) if follow else path
    with _complete_neighbour(target, _writing(content), _kept_mode(target, mode)) as temporary:
        _keep_owner(temporary, target)
        temporary.replace(target)


def write_new(path: Path, content: bytes, *, mode: int = 0o600) -> bool:
    """Write a file that must not be there yet: whole or not at all, and never over another one.

    A lock beside it keeps other writers of the same file away meanwhile, so neither a hard link is needed nor anything
    left behind by a kill stays for longer than until the next call. The folder itself may be locked: it can be the
    workspace of the caller.

    Args:
        path: The file to make.
        content: All of its bytes.
        mode: Permission bits; the folder of a private file is made private as well.

    Returns:
        False if the file was there; it is untouched.

    Raises:
        WriteError: The disk refused: full, read-only or not permitted.
    """
    with _locked(path, private=not mode & _OTHERS):
        return _write_unless_there(path, _writing(content), mode)


def write_streamed(
    path: Path, produce: Callable[[IO[bytes]], object], *, mode: int = 0o600, over: bool = False
) -> bool:
    """Write a file that is too large for the memory: whole or not at all.

    Args:
        path: The file to make.
        produce: Writes its bytes into a stream. What it raises ends the write, and leaves nothing.
        mode: Permission bits.
        over: Replace a file that is there.

    Returns:
        False if the file was there, and is not to be replaced; it is untouched.

    Raises:
        WriteError: The disk refused: full, read-only or not permitted.
    """
    with _locked(path, private=False):
        return _write_unless_there(path, produce, mode, over=over)


def followed(path: Path) -> Path:
    """Return what a symbolic link leads to; any other path itself.

    Raises:
        WriteError: The link leads in a circle, or is another user's than what it leads to: whoever works as root would
            be led anywhere.
    """
    try:
        if not path.is_symlink():
            return path
        target = path.resolve(strict=False)
        owner = path.lstat().st_uid
        there = (target if target.exists() else target.parent).stat().st_uid
    except (OSError, RuntimeError) as error:
        raise write_error(path, error if isinstance(error, OSError) else OSError(40, "it leads to itself")) from error
    if owner not in (os.geteuid(), there):
        raise WriteError(
            f"can't write {path}: it is a symbolic link of another user",
            where=str(path),
            fix="Put the file itself there, or make the link yourself.",
        )
    return target


def remove_leftovers(*paths: Path) -> None:
    """Delete the temporary neighbours that killed writes of files left; nobody else may be writing them now.

    Each folder is read once, however many of the files are in it.

    Raises:
        WriteError: The disk refused.
    """
    names: dict[Path, set[str]] = {}
    for path in paths:
        names.setdefault(path.parent, set()).add(path.name)
    for folder, wanted in names.items():
        try:
            neighbours = [entry.name for entry in folder.iterdir()]
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        for name in neighbours:
            # `.NAME.` and what makes it unique.
            begun = name[:-_RANDOM_CHARACTERS]
            if begun.startswith(".") and begun.endswith(".") and begun[1:-1] in wanted:
                _remove(folder / name)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def _writing(content: bytes) -> Callable[[IO[bytes]], object]:
    return lambda stream: stream.write(content)


def _write_unless_there(path: Path, produce: Callable[[IO[bytes]], object], mode: int, *, over: bool = False) -> bool:
    remove_leftovers(path)
    if os.path.lexists(path) and not over:
        return False
    with _complete_neighbour(path, produce, mode) as temporary:
        _keep_owner(temporary, path)
        temporary.replace(path)
    return True


@contextmanager
def _locked(path: Path, *, private: bool) -> Iterator[None]:
    """Make the folder of a file, and hold a lock on the file's name; its lock file is gone afterwards."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        _make_folder(path.parent, private=private)
        descriptor = _lock(lock)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _lock(lock: Path) -> int:
    """Return the descriptor of a lock file that is locked, and the one that others find."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Its holder removes it: whoever waited may have got a file without a name.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                _keep_owner(lock, lock.parent)
                return descriptor
        os.close(descriptor)


@contextmanager
def _complete_neighbour(path: Path, produce: Callable[[IO[bytes]], object], mode: int) -> Iterator[Path]:
    """Give a finished temporary file beside a path; it is gone afterwards unless it was renamed."""
    temporary: Path | None = None
    try:
        _make_folder(path.parent)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            produce(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        yield temporary
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _make_folder(folder: Path, *, private: bool = False) -> None:
    """Make a folder and those above it that are missing; root makes them for the owner of the one above."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700 if private else 0o777, exist_ok=True)
        _keep_owner(one, one.parent)


def _kept_mode(path: Path, mode: int) -> int:
    """Return the permissions of the file that replaces another one."""
    try:
        there = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return mode
    is_shared = not mode & _OTHERS and not there & stat.S_IRWXO
    return there if is_shared else mode


def _keep_owner(made: Path, model: Path) -> None:
    """Give a file the owner of the one that it replaces, or of its folder where it replaces none and root makes it."""
    is_root = os.geteuid() == 0
    try:
        there = model.lstat()
    except FileNotFoundError:
        if not is_root:
            return
        there = model.parent.stat()
    if is_root and there.st_uid != 0:
        os.chown(made, there.st_uid, there.st_gid, follow_symlinks=False)
    elif made.stat().st_gid != there.st_gid and not is_root:
        # Only root gives files away; a group of one's own can be kept.
        with suppress(PermissionError):
            os.chown(made, -1, there.st_gid)


def write_error(path: Path, error: OSError) -> WriteError:
    """Translate an OSError of a write into a message with a remedy."""
    return WriteError(
        f"can't write {path}: {error.strerror or error}",
        where=str(path),
        fix="Free some space or correct the permissions, then run the same command again; it goes on where it stopped.",
    )
