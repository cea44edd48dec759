"""Files of fmc's own that a person's ignore rules hide. Faults A2."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.ignored import stage_ignored
from generator.delivery.model import Target
from tests.delivery.workspace import RUN, git


def is_own(path: str) -> bool:
    return path.endswith(".sealed.yaml")


@pytest.mark.parametrize("pattern", ["secrets/", "*credentials*", "*.yaml"])
def test_they_are_staged_and_nothing_else_is(tree: Target, tmp_path: Path, pattern: str) -> None:
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    (tmp_path / "excludes").write_text(f"{pattern}\n*.secret\n")
    git(tree.path, "config", "--global", "core.excludesFile", str(tmp_path / "excludes"))
    for name in ("secrets/a/credentials.sealed.yaml", "secrets/a/[*] credentials.sealed.yaml", "my.secret"):
        (tree.path / name).parent.mkdir(parents=True, exist_ok=True)
        (tree.path / name).write_text(f"{name}\n")
    staged = ("secrets/a/[*] credentials.sealed.yaml", "secrets/a/credentials.sealed.yaml")
    assert stage_ignored(tree, is_own) == staged
    assert git(tree.path, "diff", "--cached", "--name-only").splitlines() == list(staged)
    assert stage_ignored(tree, is_own) == ()


def test_what_nothing_hides_is_left_to_the_commit(tree: Target) -> None:
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    (tree.path / "a.sealed.yaml").write_text("a\n")
    assert stage_ignored(tree, is_own) == ()
    assert git(tree.path, "status", "--porcelain") == "?? a.sealed.yaml"
