"""What a rendered tree would change, and what people changed: three trees, compared file by file."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.difference import difference
from generator.delivery.model import Target
from generator.errors import BadInputError
from tests.delivery.workspace import RUN, git, make_tree


@pytest.fixture
def committed(tree: Target) -> Path:
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    return tree.path


@pytest.fixture
def again(tmp_path: Path) -> Path:
    """Make the same tree once more."""
    return make_tree(tmp_path / "again" / "infra")


def save(repository: Path, *arguments: str) -> None:
    """Commit everything, as a person would."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", *(arguments or ("--message=mine",)))


def compared(repository: Path, staging: Path) -> tuple[list[str], list[str]]:
    found = difference(repository, staging)
    return list(found.changes), list(found.edits)


def test_the_same_tree_rendered_again_is_no_difference(committed: Path, again: Path) -> None:
    assert compared(committed, again) == ([], [])


def test_files_rendered_differently_are_changes(committed: Path, again: Path) -> None:
    (again / "README.md").write_text("other\n")
    (again / "scripts" / "run.sh").chmod(0o644)
    (again / "folder").mkdir()
    (again / "folder" / "new.yaml").write_text("a: 1\n")
    (again / ".copier-answers.yml").unlink()
    changes = [".copier-answers.yml", "README.md", "folder/new.yaml", "scripts/run.sh"]
    assert compared(committed, again) == (changes, [])


def test_links_are_compared_by_their_target(committed: Path, again: Path) -> None:
    (again / "link").symlink_to("README.md")
    assert compared(committed, again) == (["link"], [])


def test_what_people_committed_is_theirs_and_nothing_to_do(committed: Path, again: Path) -> None:
    (committed / "mine.yaml").write_text("a: 1\n")
    (committed / "README.md").write_text("mine\n")
    (committed / "scripts" / "run.sh").unlink()
    save(committed)
    assert compared(committed, again) == ([], ["README.md", "mine.yaml", "scripts/run.sh"])


def test_what_people_did_not_commit_does_not_count(committed: Path, again: Path) -> None:
    (committed / "README.md").write_text("a person is editing this\n")
    assert compared(committed, again) == ([], [])


def test_changes_and_edits_are_told_apart(committed: Path, again: Path) -> None:
    (committed / "mine.yaml").write_text("a: 1\n")
    save(committed)
    (again / "README.md").write_text("rendered\n")
    assert compared(committed, again) == (["README.md"], ["mine.yaml"])


def test_an_edit_that_is_rendered_now_is_settled(committed: Path, again: Path) -> None:
    (committed / "README.md").write_text("agreed\n")
    (committed / "mine.yaml").write_text("a: 1\n")
    save(committed)
    (again / "README.md").write_text("agreed\n")
    (again / "mine.yaml").write_text("a: 1\n")
    (again / "new.yaml").write_text("a: 1\n")
    assert compared(committed, again) == (["new.yaml"], [])


def test_an_amended_commit_is_not_ours_any_more(committed: Path, again: Path) -> None:
    (committed / "README.md").write_text("slipped in\n")
    save(committed, "--amend", "--no-edit")
    assert "Fmc-Tree" in git(committed, "log", "-1", "--format=%B")
    (again / "new.yaml").write_text("a: 1\n")
    changes, edits = compared(committed, again)
    assert "new.yaml" in changes
    assert "README.md" in edits


def test_the_youngest_of_our_commits_counts_even_behind_a_merge(committed: Path, again: Path) -> None:
    git(committed, "switch", "--quiet", "--create", "gitops/run")
    (committed / "README.md").write_text("second\n")
    git(committed, "add", "--all")
    tree = git(committed, "write-tree")
    git(committed, "commit", "--quiet", f"--message=chore: render\n\nFmc-Tree: {tree}")
    git(committed, "switch", "--quiet", "main")
    git(committed, "merge", "--quiet", "--no-ff", "--message=Merge request", "gitops/run")
    (again / "README.md").write_text("third\n")
    assert compared(committed, again) == (["README.md"], [])


def test_a_repository_without_a_commit_lacks_everything(tmp_path: Path, again: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    assert compared(tmp_path / "empty", again) == ([".copier-answers.yml", "README.md", "scripts/run.sh"], [])


def test_in_a_history_without_a_commit_of_ours_all_is_peoples(tmp_path: Path, again: Path) -> None:
    git(tmp_path, "init", "--quiet", "theirs")
    (tmp_path / "theirs" / "README.md").write_text("theirs\n")
    save(tmp_path / "theirs")
    changes, edits = compared(tmp_path / "theirs", again)
    assert changes == [".copier-answers.yml", "README.md", "scripts/run.sh"]
    assert edits == ["README.md"]


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no Git repository"):
        difference(tmp_path, tmp_path)
