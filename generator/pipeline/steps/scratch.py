"""Private folders for work out of sight: gone afterwards, and what a killed run left goes with the next one."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from generator.files import write_error

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def private_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Give an empty folder that nobody else can look into.

    Args:
        parent: Where it is made; it is made itself if it is not there.
        prefix: How its name begins. Folders of one's own that begin so and that no run holds any more are removed.

    Raises:
        WriteError: The disk refused.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for leftover in parent.glob(f"{glob.escape(prefix)}*"):
            with suppress(OSError), _held(leftover):
                shutil.rmtree(leftover)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
    except OSError as error:
        raise write_error(parent, error) from error
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lock a folder, which tells it from what a killed run left.

    Raises:
        OSError: It is somebody else's, or another run holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
