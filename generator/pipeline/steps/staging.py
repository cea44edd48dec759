"""The staging folder of a workspace: trees are made here, out of sight, and appear by rename."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from generator.files import write_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.workspace import Workspace


@contextmanager
def staging_folder(workspace: Workspace) -> Iterator[Path]:
    """Give an empty staging folder, and remove it afterwards, together with folders that were made for nothing.

    Raises:
        WriteError: The disk refused.
    """
    try:
        # What a killed run left behind is made again.
        shutil.rmtree(workspace.staging, ignore_errors=True)
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
