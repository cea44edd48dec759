"""Bringing rendered trees to where the user looks: new repositories appear by rename, existing ones get one commit."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from generator.delivery.local.commits import commit_trees
from generator.delivery.local.replace import replace_trees
from generator.files import write_error
from generator.template.owned import owned_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from generator.delivery.model import Author, Commit, Target


def carry_over(targets: Sequence[Target], staged: Mapping[str, Path], template_root: Path) -> None:
    """Put the user's own files of existing repositories into staging, where Copier leaves them as they are.

    Args:
        targets: The repositories; those that do not exist yet are passed over.
        staged: The folder that each part will be rendered into.
        template_root: The folder that holds copier.yml.

    Raises:
        WriteError: The disk refused.
    """
    for target in targets:
        if not target.path.is_dir():
            continue
        for name in owned_files(template_root, target.path):
            copy = staged[target.part] / name
            try:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(target.path / name, copy, follow_symlinks=False)
            except OSError as error:
                raise write_error(copy, error) from error


def place(
    targets: Sequence[Target], staged: Mapping[str, Path], *, author: Author | None, subject: str, run_id: str
) -> tuple[Commit, ...]:
    """Commit rendered trees, and put them into the workspace.

    Args:
        targets: The repositories.
        staged: The rendered tree of each, by part; on the same disk as the targets.
        author: Who commits; None takes git's configuration.
        subject: First line of the commits' messages.
        run_id: Recorded in the commits.

    Returns:
        The tip of each repository's branch, in the targets' order.

    Raises:
        FmcError: A repository can't be committed to, or people changed what would be replaced; see `delivery`.
    """
    existing = [target for target in targets if target.path.exists()]
    fresh = [target for target in targets if target not in existing]
    commits = replace_trees(
        [(target, staged[target.part]) for target in existing], author=author, subject=subject, run_id=run_id
    )
    commits += commit_trees(
        [replace(target, path=staged[target.part]) for target in fresh], author=author, subject=subject, run_id=run_id
    )
    for target in fresh:
        try:
            target.path.parent.mkdir(parents=True, exist_ok=True)
            staged[target.part].rename(target.path)
        except OSError as error:
            raise write_error(target.path, error) from error
    order = [target.part for target in targets]
    return tuple(sorted(commits, key=lambda commit: order.index(commit.part)))
