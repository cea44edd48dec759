"""A push that has to succeed, for the remedies of delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.delivery.workspace import RUN, Workspace, git

if TYPE_CHECKING:
    pass


def succeeds(lab: Workspace, run: str = RUN) -> None:
    """Push, and see that the remotes have all commits."""
    lab.push(run)
    heads = lab.heads()
    assert {part: git(lab.remote(part), "merge-base", "main", head) for part, head in heads.items()} == heads
