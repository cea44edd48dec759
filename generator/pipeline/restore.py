"""`fmc restore`: a workspace out of a backup, on a machine that has nothing but an identity."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.files import write_error
from generator.pipeline.steps.scratch import private_folder
from generator.secrets.vault.identities import identity_path

if TYPE_CHECKING:
    from pathlib import Path

    from generator.backup.manifest import Manifest
    from generator.console import Console


@dataclass(frozen=True)
class Restored:
    """A workspace that was restored.

    Attributes:
        root: Its folder.
        manifest: What the backup says of itself.
    """

    root: Path
    manifest: Manifest


def restore(path: Path, root: Path, identity: Path | None, console: Console) -> Restored:
    """Restore a workspace: it appears in one step, or not at all.

    Args:
        path: The backup.
        root: The folder to make; it may be there, and empty.
        identity: A file with an identity that opens the backup; None for the usual place.
        console: Is told about progress.

    Raises:
        BadInputError: The folder is not empty; or the backup is damaged, or of a newer format.
        FmcError: No identity opens it, or the disk refused.
    """
    from generator.pipeline.steps.recovery import recover

    root = root.absolute()
    _require_empty(root)
    with private_folder(root.parent, f".{root.name}.restore-") as folder:
        manifest, _, workspace = recover(path, identity_path(identity, os.environ), folder, console)
        try:
            workspace.root.chmod(_mode(root))
            # Onto an empty folder, too, and onto no other.
            workspace.root.rename(root)
        except OSError as error:
            raise write_error(root, error) from error
    return Restored(root, manifest)


def _require_empty(root: Path) -> None:
    with suppress(FileNotFoundError):
        try:
            found = sorted(entry.name for entry in root.iterdir())
        except NotADirectoryError:
            found = [root.name]
        if found:
            raise BadInputError(
                f"{root} is not empty: it holds {', '.join(found[:5])}",
                where=str(root),
                fix="Choose an empty folder with --workspace, or one that does not exist yet.",
            )


def _mode(root: Path) -> int:
    """Return the permissions of the workspace: of the folder that is there, else as one is usually made."""
    if root.exists():
        return root.stat().st_mode & 0o7777
    os.umask(mask := os.umask(0))
    return 0o777 & ~mask
