"""Printing what is secret, and letting a person edit it: never where others can read it."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import BadInputError

if TYPE_CHECKING:
    from generator.console import Console

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def edited(content: bytes) -> bytes:
    """Return what a person made of a value in their editor; the file for it is in memory, and theirs alone.

    Raises:
        BadInputError: There is no place in memory for it, or the value is no text.
    """
    import click

    places = (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm")  # noqa: S108 (in memory, below in a folder of 0700)
    place = next((place for place in places if place and os.access(place, os.W_OK | os.X_OK)), None)
    try:
        content.decode()
    except UnicodeDecodeError:
        place = None
    if place is None:
        raise BadInputError(
            "this value can't be edited here: it is no text, or no folder in memory could hold it meanwhile",
            fix="Give the new one to `fmc secret set` through a pipe.",
        )
    with tempfile.TemporaryDirectory(dir=place, prefix="fmc-") as folder:
        file = Path(folder, "value")
        file.touch(mode=0o600)
        file.write_bytes(content)
        click.edit(filename=str(file))
        return file.read_bytes()


def keep_from_others(console: Console) -> None:
    """Take a regular file that stdout goes to from everybody but its owner, before a byte is in it.

    The shell has made it, as open as its umask lets it: `fmc keys export > FILE` must not leave a key that others can
    read. Pipes and terminals are nobody else's.

    Raises:
        BadInputError: The file is another user's.
    """
    try:
        descriptor = sys.stdout.fileno()
        found = os.fstat(descriptor)
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(found.st_mode) or not found.st_mode & _OTHERS:
        return
    try:
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & ~_OTHERS)
    except OSError:
        raise BadInputError(
            "others can read the file that this would be printed to, and it is not yours to change",
            fix="Print into a pipe, or into a file of your own: it becomes 0600.",
        ) from None
    console.note("The file can be read by you alone from now on (mode 0600).")
