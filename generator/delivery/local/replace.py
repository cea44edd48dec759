"""Committing merged trees to existing repositories, in one commit each, and bringing the repositories' files there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.command import git_in, run
from generator.delivery.git.failures import local_error
from generator.delivery.git.objects import (
    algorithm_of,
    content_of_file,
    entries_of_commit,
    write_blob,
    write_tree,
)
from generator.delivery.git.parallel import each
from generator.delivery.local.commits import commit_staged, written_tree
from generator.delivery.local.handover import Replacement
from generator.delivery.local.rendered import KEEPING_REFERENCE
from generator.delivery.local.repository import open_repository
from generator.delivery.local.staged import refuse_obstacles
from generator.delivery.model import Commit
from generator.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git import Git

    from generator.delivery.local.repository import OpenRepository
    from generator.delivery.local.staged import Staged
    from generator.delivery.model import Author


def replace_trees(
    trees: Sequence[Staged], *, author: Author | None, messages: Mapping[str, str], run_id: str
) -> list[Commit]:
    """Commit merged trees on top of their repositories' branches, and bring the repositories' files there.

    All of them are found to be safe before any is touched. Killed at any point, a repository is completed by the next
    `open_repository`.

    Args:
        trees: What is to be committed; their repositories must be clean, and where they were when they were merged.
        author: Who commits; None takes git's configuration.
        messages: The message for each part.
        run_id: Recorded in the trailer `Fmc-Run`.

    Returns:
        The tip of each branch; `changed` is False where there is nothing new.

    Raises:
        BadInputError: A repository is not in a state to be worked on, or git has no identity.
        ConflictError: Somebody committed meanwhile, or a file of theirs is in the way; nothing was touched.
        ToolError: A hook refused, the commit can't be signed, or git failed.
        WriteError: The disk refused.
    """
    candidates = each(_candidate, trees)
    refuse_obstacles(trees)
    return each(partial(_replace, author=author, messages=messages, run_id=run_id), candidates)


@dataclass(frozen=True)
class _Candidate:
    """A repository, and what is to be committed to it."""

    repository: OpenRepository
    tree: Staged


def _candidate(tree: Staged) -> _Candidate:
    repository = open_repository(tree.target, clean=True)
    if repository.head != tree.head:
        raise ConflictError(
            f"somebody committed to {tree.target.path} while fmc was at work; nothing was committed",
            where=str(tree.target.path),
            fix="Run the same command again.",
        )
    return _Candidate(repository, tree)


def _replace(candidate: _Candidate, *, author: Author | None, messages: Mapping[str, str], run_id: str) -> Commit:
    repository, tree = candidate.repository, candidate.tree
    target, repo, head = repository.target, repository.repo, repository.head
    if head is not None and not tree.changed():
        return Commit(target.part, head, changed=False)
    replacement = Replacement(repo, target.path)
    replacement.begin(head, run_id)
    try:
        git, variables = git_in(tree.staging), replacement.variables(tree.staging)
        _stage(tree, replacement, git, variables)
        # A .gitattributes may convert on the way in what differs on the disk.
        if head is None or run(git.diff_index, "--cached", "--quiet", head, variables=variables).code:
            committed = written_tree(target.path, git, variables)
            replacement.expect(committed)
            rendered = _rendered_tree(candidate, committed)
            message = messages[target.part]
            commit_staged(target.path, git, variables, author=author, message=message, run_id=run_id, rendered=rendered)
    finally:
        replacement.finish()
    tip = run(repo.git.rev_parse, "HEAD").out.decode()
    return Commit(target.part, tip, changed=tip != head)


def _stage(tree: Staged, replacement: Replacement, git: Git, variables: Mapping[str, str]) -> None:
    """Stage the files that change; all others stay as the branch has them, whatever attributes say of them now."""
    changed = tree.changed()
    steps = [] if tree.head is None else [partial(run, git.read_tree, tree.head)]
    if gone := [name for name, entry in changed.items() if entry is None]:
        steps.append(partial(run, git.rm, "--cached", "--force", "--quiet", *replacement.listing("gone", gone)))
    if there := [name for name, entry in changed.items() if entry is not None]:
        steps.append(partial(run, git.add, "--force", *replacement.listing("there", there)))
    for step in steps:
        done = step(variables=variables)
        if done.code:
            raise local_error(tree.target.path, "stage the files", done)


def _rendered_tree(candidate: _Candidate, committed: str) -> str:
    """Return the tree of what was rendered and sealed, and keep it where it is not what is committed.

    Raises:
        ToolError: git failed.
        WriteError: The disk refused.
    """
    repo, tree = candidate.repository.repo, candidate.tree
    path, is_sealed = tree.target.path, tree.ownership.is_sealed
    stored = entries_of_commit(path, repo, committed)
    rendered = {name: entry for name, entry in tree.rendered.items() if not is_sealed(name)}
    rendered |= {name: entry for name, entry in stored.items() if is_sealed(name)}
    if rendered == stored:
        return committed
    objects, algorithm = Path(repo.common_dir) / "objects", algorithm_of(committed)
    for name, entry in rendered.items():
        if stored.get(name) != entry:
            write_blob(objects, content_of_file(tree.content_of(name)), algorithm)
    name = write_tree(objects, rendered, algorithm)
    kept = run(repo.git.update_ref, KEEPING_REFERENCE, name)
    if kept.code:
        raise local_error(path, "keep what was rendered", kept)
    return name
