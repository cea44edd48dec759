"""Writing files so that a reader never sees half of one: temporary neighbour, fsync, rename."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from generator.errors import WriteError


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file by rename, creating its folder.

    Args:
        path: The file to make or replace.
        content: All of its bytes.
        mode: Permission bits; the temporary neighbour is 0600 until it is complete.

    Raises:
        WriteError: The disk refused: full, read-only or not permitted. The file is as it was before.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> WriteError:
    """Translate an OSError of a write into a message with a remedy."""
    return WriteError(
        f"can't write {path}: {error.strerror or error}",
        where=str(path),
        fix="Free some space or correct the permissions, then run the same command again; it goes on where it stopped.",
    )
