"""Replacing the files of existing repositories by rendered ones, in one commit each, without losing anybody's work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from generator.delivery.commits import commit_staged
from generator.delivery.difference import Difference, difference
from generator.delivery.failures import combined, local_error
from generator.delivery.gitcommand import git_in, run
from generator.delivery.model import Commit
from generator.delivery.parallel import each
from generator.delivery.replacement import Replacement
from generator.delivery.repository import open_repository
from generator.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from generator.delivery.model import Author, Target

_SHOWN = 5


def replace_tree(target: Target, staging: Path, *, author: Author | None, subject: str, run_id: str) -> Commit:
    """Commit a rendered tree on top of a repository's branch, and bring the repository's files there.

    Killed at any point, the repository is completed by the next `open_repository`.

    Args:
        target: The repository; it must be clean.
        staging: The rendered files, without `.git`.
        author: Who commits; None takes git's configuration.
        subject: First line of the message.
        run_id: Recorded in the trailer `Fmc-Run`.

    Returns:
        The tip of the branch; `changed` is False where fmc has rendered nothing new.

    Raises:
        BadInputError: The repository is not in a state to be worked on, or git has no identity.
        ConflictError: People changed files since fmc's last commit, or a file of theirs is in the way; nothing was
            touched.
        ToolError: A hook refused, the commit can't be signed, or git failed.
        WriteError: The disk refused.
    """
    return replace_trees([(target, staging)], author=author, subject=subject, run_id=run_id)[0]


def replace_trees(
    pairs: Sequence[tuple[Target, Path]], *, author: Author | None, subject: str, run_id: str
) -> list[Commit]:
    """Commit several rendered trees at once, after all of them were found to be safe; see `replace_tree`."""
    differences = each(_compared, pairs)
    conflicts = [
        conflict
        for (target, _), found in zip(pairs, differences, strict=True)
        if (conflict := _conflict(target, found)) is not None
    ]
    if conflicts:
        raise combined(conflicts)

    def replace(index: int) -> Commit:
        return _replace(*pairs[index], differences[index], author=author, subject=subject, run_id=run_id)

    return each(replace, range(len(pairs)))


def _compared(pair: tuple[Target, Path]) -> Difference:
    target, staging = pair
    open_repository(target, clean=True)
    return difference(target.path, staging)


def _conflict(target: Target, found: Difference) -> ConflictError | None:
    """Return what forbids a replacement that would change something."""
    if not found.changes:
        return None
    where = str(target.path)
    if found.edits:
        return ConflictError(
            f"{where} has changes of yours since fmc's last commit, and the answers or the template ask for others: "
            f"{_listed(found.edits)}",
            where=where,
            fix="Move your changes to the files that are yours (such as values.user.yaml), or take them back "
            f"(`git -C {where} log` shows them), then run the same command again.",
        )
    if obstacles := [name for name in found.changes if _in_the_way(target.path, name, found)]:
        return ConflictError(
            f"{where} has files that git ignores where new ones belong: {_listed(obstacles)}",
            where=where,
            fix="Move them away, then run the same command again.",
        )
    return None


def _in_the_way(top: Path, name: str, found: Difference) -> bool:
    """Return whether something that is not committed is where a rendered file would go."""
    path = top / name
    for parent in reversed(path.relative_to(top).parents[:-1]):
        if parent.as_posix() in found.committed:
            return False
        if os.path.lexists(top / parent) and not (top / parent).is_dir():
            return True
    if path.is_dir() and not path.is_symlink():
        files = (file.relative_to(top).as_posix() for file in path.rglob("*") if not file.is_dir())
        return any(file not in found.committed for file in files)
    return name not in found.committed and os.path.lexists(path)


def _replace(
    target: Target, staging: Path, found: Difference, *, author: Author | None, subject: str, run_id: str
) -> Commit:
    repository = open_repository(target, clean=True)
    if not found.changes and repository.head is not None:
        return Commit(target.part, repository.head, changed=False)
    replacement = Replacement(repository.repo, target.path)
    replacement.begin(repository.head, run_id)
    git, variables = git_in(staging), replacement.variables(staging)
    added = run(git.add, "--all", "--force", "--", ".", variables=variables)
    if added.code:
        raise local_error(target.path, "stage the files", added)
    commit_staged(target.path, git, variables, author=author, subject=subject, run_id=run_id)
    replacement.finish()
    tip = run(repository.repo.git.rev_parse, "HEAD").out.decode()
    return Commit(target.part, tip, changed=tip != repository.head)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
