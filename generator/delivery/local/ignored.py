"""Files of fmc's own that the user's ignore rules hide: they belong into a commit like those that nothing hides."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.command import repository_at, run
from generator.delivery.git.failures import local_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.delivery.model import Target


def stage_ignored(target: Target, is_own: Callable[[str], bool]) -> tuple[str, ...]:
    """Stage files that git ignores, as far as fmc wrote them.

    A rule such as `secrets/` in a person's core.excludesFile is meant for their own files, and nobody would see that
    the cluster's are missing in every clone.

    Args:
        target: The repository.
        is_own: Tells by its path whether a file is fmc's.

    Returns:
        The paths that were staged.

    Raises:
        BadInputError: The repository belongs to another user.
        ToolError: git failed.
        WriteError: The disk refused.
    """
    repo = repository_at(target.path)
    if repo is None:
        return ()
    listed = run(repo.git.ls_files, "-z", "--others", "--ignored", "--exclude-standard")
    if listed.code:
        raise local_error(target.path, "list the files that it ignores", listed)
    names = tuple(name for name in os.fsdecode(listed.out).split("\0") if name and is_own(name))
    if not names:
        return ()
    with tempfile.TemporaryDirectory() as scratch:
        paths = Path(scratch, "paths")
        paths.write_bytes(os.fsencode("\0".join(f":(literal){name}" for name in names)))
        added = run(repo.git.add, "--force", f"--pathspec-from-file={paths}", "--pathspec-file-nul")
    if added.code:
        raise local_error(target.path, "stage the files", added)
    return names
