"""Printing what is secret: never where others can read it."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

from generator.errors import BadInputError

if TYPE_CHECKING:
    from generator.console import Console

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


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
