"""Replacing the files of existing repositories by rendered ones, in one commit each, without losing anybody's work."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from generator.delivery.git.command import git_in, run
from generator.delivery.git.failures import combined, local_error
from generator.delivery.git.objects import files_below
from generator.delivery.git.parallel import each
from generator.delivery.local.commits import commit_staged
from generator.delivery.local.difference import Difference, difference
from generator.delivery.local.handover import Replacement
from generator.delivery.local.repository import open_repository
from generator.delivery.model import Commit
from generator.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path

    from generator.delivery.local.repository import Repository
    from generator.delivery.model import Author, Target

_SHOWN = 5


def replace_trees(
    pairs: Sequence[tuple[Target, Path]], *, author: Author | None, subject: str, run_id: str
) -> list[Commit]:
    """Commit rendered trees on top of repositories' branches, and bring the repositories' files there.

    All of them are found to be safe before any is touched. Killed at any point, a repository is completed by the next
    `open_repository`.

    Args:
        pairs: Each repository, which must be clean, and its rendered files, without `.git`.
        author: Who commits; None takes git's configuration.
        subject: First line of the messages.
        run_id: Recorded in the trailer `Fmc-Run`.

    Returns:
        The tip of each branch; `changed` is False where fmc has rendered nothing new.

    Raises:
        BadInputError: A repository is not in a state to be worked on, or git has no identity.
        ConflictError: People changed files since fmc's last commit, or a file of theirs is in the way; nothing was
            touched.
        ToolError: A hook refused, the commit can't be signed, or git failed.
        WriteError: The disk refused.
    """
    candidates = each(_candidate, pairs)
    if conflicts := [conflict for one in candidates if (conflict := _conflict(one)) is not None]:
        raise combined(conflicts)
    return each(partial(_replace, author=author, subject=subject, run_id=run_id), candidates)


@dataclass(frozen=True)
class _Candidate:
    """A repository, a rendered tree for it, and how the two differ."""

    repository: Repository
    staging: Path
    found: Difference


def _candidate(pair: tuple[Target, Path]) -> _Candidate:
    target, staging = pair
    return _Candidate(open_repository(target, clean=True), staging, difference(target.path, staging))


def _conflict(candidate: _Candidate) -> ConflictError | None:
    """Return what forbids a replacement that would change something."""
    path, found = candidate.repository.target.path, candidate.found
    if not found.changes:
        return None
    where = str(path)
    if found.edits:
        return ConflictError(
            f"{where} has changes of yours since fmc's last commit, and the answers or the template ask for others: "
            f"{_listed(found.edits)}",
            where=where,
            fix="Move your changes to the files that are yours (such as values.user.yaml), or take them back "
            f"(`git -C {where} log` shows them), then run the same command again.",
        )
    if obstacles := [name for name in found.changes if _in_the_way(path, name, found.committed)]:
        return ConflictError(
            f"{where} has files that git ignores where new ones belong: {_listed(obstacles)}",
            where=where,
            fix="Move them away, then run the same command again.",
        )
    return None


def _in_the_way(top: Path, name: str, committed: Container[str]) -> bool:
    """Return whether something that is not committed is where a rendered file would go."""
    for parent in reversed(PurePath(name).parents[:-1]):
        if parent.as_posix() in committed:
            return False
        if os.path.lexists(top / parent) and not (top / parent).is_dir():
            return True
    return name not in committed and any(file not in committed for file in files_below(top, name))


def _replace(candidate: _Candidate, *, author: Author | None, subject: str, run_id: str) -> Commit:
    repository, staging = candidate.repository, candidate.staging
    target, repo, head = repository.target, repository.repo, repository.head
    if head is not None and not candidate.found.changes:
        return Commit(target.part, head, changed=False)
    replacement = Replacement(repo, target.path)
    replacement.begin(head, run_id)
    try:
        git, variables = git_in(staging), replacement.variables(staging)
        added = run(git.add, "--all", "--force", "--", ".", variables=variables)
        if added.code:
            raise local_error(target.path, "stage the files", added)
        # A .gitattributes may convert on the way in what differs on the disk.
        if head is None or run(git.diff_index, "--cached", "--quiet", head, variables=variables).code:
            commit_staged(target.path, git, variables, author=author, subject=subject, run_id=run_id)
    finally:
        replacement.finish()
    tip = run(repo.git.rev_parse, "HEAD").out.decode()
    return Commit(target.part, tip, changed=tip != head)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
