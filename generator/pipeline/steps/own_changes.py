"""Changes that are fmc's own: sealed manifests, revisions that pods restart with, and the sealing key that is named.

`fmc push` commits them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.sealing.files import is_sealed_file
from generator.tools.git import git
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from generator.delivery.model import Target

_NOT_THERE = 128  # git-show(1): the commit does not have the file


def all_fmcs_own(target: Target, changes: Sequence[str]) -> bool:
    """Return whether nobody but fmc made the changes of a repository.

    Args:
        target: The repository.
        changes: Paths that differ from its commit.
    """
    return all(is_sealed_file(path) or _is_line_of_ours(target, path) for path in changes)


def require_nothing_else(targets: Iterable[Target]) -> None:
    """Refuse to begin where the commit would have to wait for a person.

    Args:
        targets: The repositories.

    Raises:
        BadInputError: One of them has changes that are not fmc's.
        FmcError: One of them is in a state in which nothing can be committed.
    """
    from generator.delivery.local.repository import open_repository

    for target in targets:
        changes = open_repository(target).changes
        if not all_fmcs_own(target, changes):
            where = str(target.path)
            raise BadInputError(
                f"{where} has changes that are not committed, {changes[0]} for one; nothing was replaced",
                where=where,
                fix=f"Commit them, or put them aside: {command('git', '-C', where, 'stash', '--include-untracked')}.",
            )


def _is_line_of_ours(target: Target, path: str) -> bool:
    from generator.secrets.restarts import differ_in_revisions_alone
    from generator.secrets.sealing.key_names import differ_in_key_alone

    file = target.path / path
    if file.is_symlink() or not file.is_file():
        return False
    committed = git(target.path, "show", f"HEAD:{path}", ok=(0, _NOT_THERE))
    if committed.code:
        return False
    before, after = committed.stdout, file.read_bytes()
    return differ_in_key_alone(path, before, after) or differ_in_revisions_alone(before, after)
