"""Bringing trees to where the user looks: new repositories appear by rename, existing ones get one commit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from generator.delivery.local.commits import commit_trees
from generator.delivery.local.replace import replace_trees
from generator.files import write_error
from generator.pipeline.steps.message import first_message, next_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from generator.delivery.local.staged import Staged
    from generator.delivery.model import Author, Commit, Target


def place(
    targets: Sequence[Target],
    folders: Mapping[str, Path],
    merged: Sequence[Staged],
    *,
    cluster: str,
    sealed: Sequence[str],
    author: Author | None,
    run_id: str,
) -> tuple[Commit, ...]:
    """Commit trees, and put them into the workspace.

    Args:
        targets: The repositories.
        folders: The tree of each, by part; on the same disk as the targets.
        merged: Those of them that were merged with a repository that exists already.
        cluster: Name of the cluster.
        sealed: The secrets that were sealed anew.
        author: Who commits; None takes git's configuration.
        run_id: Recorded in the commits.

    Returns:
        The tip of each repository's branch, in the targets' order.

    Raises:
        FmcError: A repository can't be committed to; see `delivery`.
    """
    messages = {tree.target.part: next_message(cluster, tree.target.path, tree.staging, sealed) for tree in merged}
    fresh = [target for target in targets if target.part not in messages]
    commits = replace_trees(merged, author=author, messages=messages, run_id=run_id)
    commits += commit_trees(
        [replace(target, path=folders[target.part]) for target in fresh],
        author=author,
        subject=first_message(cluster),
        run_id=run_id,
    )
    for target in fresh:
        try:
            target.path.parent.mkdir(parents=True, exist_ok=True)
            folders[target.part].rename(target.path)
        except OSError as error:
            raise write_error(target.path, error) from error
    order = [target.part for target in targets]
    return tuple(sorted(commits, key=lambda commit: order.index(commit.part)))
