"""Writing files so that a reader never sees half of one: temporary neighbour, fsync, rename."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator

_RANDOM_CHARACTERS = 8  # of the names that tempfile.mkstemp makes


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file by rename, creating its folder.

    Args:
        path: The file to make or replace.
        content: All of its bytes.
        mode: Permission bits; the temporary neighbour is 0600 until it is complete.

    Raises:
        WriteError: The disk refused: full, read-only or not permitted. The file is as it was before.
    """
    with _complete_neighbour(path, content, mode) as temporary:
        temporary.replace(path)


def write_new(path: Path, content: bytes, *, mode: int = 0o600) -> bool:
    """Write a file that must not be there yet: whole or not at all, and never over another one.

    Args:
        path: The file to make.
        content: All of its bytes.
        mode: Permission bits.

    Returns:
        False if the file was there; it is untouched.

    Raises:
        WriteError: The disk refused: full, read-only or not permitted.
    """
    with _complete_neighbour(path, content, mode) as temporary:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
    return True


def remove_leftovers(path: Path) -> None:
    """Delete the temporary neighbours that killed writes of a file left; nobody else may be writing it now.

    Raises:
        WriteError: The disk refused.
    """
    try:
        for leftover in path.parent.glob(f".{path.name}.{'?' * _RANDOM_CHARACTERS}"):
            leftover.unlink()
    except OSError as error:
        raise write_error(path, error) from error


@contextmanager
def _complete_neighbour(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Give a finished temporary file beside a path; it is gone afterwards unless it was renamed."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        yield temporary
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_error(path: Path, error: OSError) -> WriteError:
    """Translate an OSError of a write into a message with a remedy."""
    return WriteError(
        f"can't write {path}: {error.strerror or error}",
        where=str(path),
        fix="Free some space or correct the permissions, then run the same command again; it goes on where it stopped.",
    )
