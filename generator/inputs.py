"""Reading a file that a person has named: bounded in bytes, and in time where it is a pipe that nobody fills."""

from __future__ import annotations

import os
import select
import stat
import time
from pathlib import Path

from generator.errors import BadInputError
from generator.wording import printable

PATIENCE = 60.0
"""Seconds until a pipe has to be complete; somebody may have to type a password first (`--answers <(pass show x)`)."""
_CHUNK = 1 << 16
_PAUSE = 0.02


def read_bounded(path: Path, limit: int, patience: float = PATIENCE) -> bytes:
    """Return what a file or a pipe holds, to one byte more than a limit, so that the caller sees that it is too much.

    Args:
        path: A file, or a pipe.
        limit: Bytes.
        patience: Seconds until a pipe has to be complete.

    Raises:
        BadInputError: It can't be read, or nobody writes into the pipe.
    """
    file = printable(str(path))
    try:
        # A pipe without a writer would keep `open` waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                return _read_pipe(descriptor, limit, time.monotonic() + patience)
            os.set_blocking(descriptor, True)
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                return stream.read(limit + 1)
        finally:
            os.close(descriptor)
    except TimeoutError as error:
        message = f"can't read {file}: it is a pipe, and nobody has finished writing into it for {patience:.0f} seconds"
        raise BadInputError(
            message, where=file, fix="Start the program that writes into it, or name a file."
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        fix = "Check the path and its permissions."
        raise BadInputError(f"can't read {file}: {reason}", where=file, fix=fix) from error
    except ValueError as error:
        raise BadInputError(f"can't read {file}: not a path", where=file, fix="Check the path.") from error


def _read_pipe(descriptor: int, limit: int, deadline: float) -> bytes:
    # Into a named pipe the writer may come later than its reader; one of a shell (`<(cat x)`) was there before it.
    writer_came = not _is_named(descriptor)
    content = b""
    while len(content) <= limit:
        try:
            chunk = os.read(descriptor, min(_CHUNK, limit + 1 - len(content)))
        except BlockingIOError:
            select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        else:
            if not chunk and (content or writer_came):
                return content
            if not chunk:
                time.sleep(_PAUSE)
            content += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
    return content


def _is_named(descriptor: int) -> bool:
    """Tell whether a pipe has a name in a file system; proc(5) says how those without one are shown."""
    try:
        return not str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith("pipe:")
    except OSError:
        return True
