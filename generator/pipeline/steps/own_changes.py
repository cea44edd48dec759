"""Changes that are fmc's own: sealed manifests, and the revisions that pods restart with. `fmc push` commits them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.secrets.sealing.files import is_sealed_file
from generator.tools.git import git

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.delivery.model import Target

_NOT_THERE = 128  # git-show(1): the commit does not have the file


def all_fmcs_own(target: Target, changes: Sequence[str]) -> bool:
    """Return whether nobody but fmc made the changes of a repository.

    Args:
        target: The repository.
        changes: Paths that differ from its commit.
    """
    return all(is_sealed_file(path) or _is_restart(target, path) for path in changes)


def _is_restart(target: Target, path: str) -> bool:
    from generator.secrets.restarts import differ_in_revisions_alone

    file = target.path / path
    if file.is_symlink() or not file.is_file():
        return False
    committed = git(target.path, "show", f"HEAD:{path}", ok=(0, _NOT_THERE))
    return committed.code == 0 and differ_in_revisions_alone(committed.stdout, file.read_bytes())
