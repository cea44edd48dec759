"""The staging folder of a workspace: trees are made here, out of sight, and appear by rename."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from generator.files import write_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.workspace import Workspace

_TRIES, _PAUSE = 20, 0.1
"""How often a folder is removed that fills again meanwhile, and the seconds between."""


@contextmanager
def staging_folder(workspace: Workspace) -> Iterator[Path]:
    """Give an empty staging folder, and remove it afterwards, together with folders that were made for nothing.

    Raises:
        WriteError: The disk refused.
    """
    try:
        # What a killed run left behind is made again.
        _remove(workspace.staging)
        workspace.staging.mkdir(parents=True)
    except OSError as error:
        raise write_error(workspace.staging, error) from error
    try:
        yield workspace.staging
    finally:
        shutil.rmtree(workspace.staging, ignore_errors=True)
        for folder in (workspace.staging.parent, workspace.root):
            # A folder that holds something stays.
            with suppress(OSError):
                folder.rmdir()


def _remove(folder: Path) -> None:
    """Remove a folder, if it can be: a program that a killed run had started may write to it for a moment yet."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE)
