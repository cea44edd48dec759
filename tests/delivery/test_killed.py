"""Killed at any of its git commands, the same command run again completes, with the same result."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.model import Commit, Target
from tests.delivery.processes import Moment, is_killed
from tests.delivery.workspace import PARTS, RUN, Workspace, git, make_tree, make_workspace


def assert_delivered_once(workspace: Workspace, commits: int) -> None:
    """Assert that the remotes have the local commits and nothing else, and that there is nothing left to do."""
    assert workspace.remote_heads() == workspace.heads()
    for part in PARTS:
        assert git(workspace.remote(part), "for-each-ref", "--format=%(refname)") == "refs/heads/main"
        assert git(workspace.remote(part), "rev-list", "--count", "main") == str(commits)
    assert workspace.state.unfinished_run() is None
    assert not any(one.changed for one in workspace.push("another"))


@pytest.mark.parametrize(("commits", "moment", "every"), [(1, "before", 2), (2, "after", 1)])
def test_a_push_is_resumed(tmp_path: Path, commits: int, moment: Moment, every: int) -> None:
    workspace = make_workspace(tmp_path / "here")
    workspace.commit()
    if commits > 1:
        workspace.push("earlier")
        for part in PARTS:
            workspace.edit(part)
        workspace.commit()
    workspace.root.rename(tmp_path / "original")
    reported_as_changed = set()
    for step in range(1, 60, every):
        shutil.copytree(tmp_path / "original", workspace.root)
        killed = is_killed(workspace.push, tmp_path / f"kill-{step}", step, moment)
        for part in PARTS:
            assert workspace.remote_heads().get(part) in (None, *_history(workspace, part))
        result = workspace.push(workspace.state.unfinished_run() or "later")
        reported_as_changed.add(tuple(one.changed for one in result))
        assert_delivered_once(workspace, commits)
        if not killed:
            break
        shutil.rmtree(workspace.root)
    assert not killed
    assert step > 12
    # What an interrupted run brought there is the resumed run's work, too.
    assert reported_as_changed == {(True, True, True), (False, False, False)}


def _history(workspace: Workspace, part: str) -> list[str]:
    return git(workspace.target(part).path, "rev-list", "HEAD").splitlines()


def test_a_push_killed_again_and_again_gets_there(workspace: Workspace, tmp_path: Path) -> None:
    workspace.commit()
    for step in range(1, 60):
        run_id = workspace.state.unfinished_run() or RUN
        if not is_killed(lambda run_id=run_id: workspace.push(run_id), tmp_path / str(step), min(step, 4), "after"):  # type: ignore[misc]
            break
    workspace.push(workspace.state.unfinished_run() or RUN)
    assert_delivered_once(workspace, 1)


def test_a_first_commit_is_completed(tree: Target, tmp_path: Path) -> None:
    def commit() -> Commit:
        return commit_tree(tree, author=None, subject="feat: render", run_id=RUN)

    for step in range(1, 20):
        shutil.rmtree(tree.path)
        make_tree(tree.path)
        killed = is_killed(commit, tmp_path / str(step), step, "after")
        commit()
        assert git(tree.path, "status", "--porcelain") == ""
        assert git(tree.path, "rev-list", "--count", "HEAD") == "1"
        assert git(tree.path, "config", "remote.origin.url") == tree.url
        if not killed:
            break
    assert not killed
    assert step > 3
