"""Opening a repository that may not be what it should be."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.repository import cluster_of, open_repository
from generator.delivery.model import Target
from generator.errors import BadInputError, ConflictError
from tests.delivery.workspace import RUN, conflict, git


@pytest.fixture
def committed(tree: Target) -> Target:
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    return tree


def test_a_clean_repository_of_the_cluster_is_opened(committed: Target) -> None:
    opened = open_repository(committed, cluster="lab", clean=True)
    assert opened.head == git(committed.path, "rev-parse", "HEAD")
    assert opened.changes == ()


def test_a_folder_that_is_no_repository_is_refused(tree: Target) -> None:
    with pytest.raises(BadInputError, match="is no Git repository"):
        open_repository(tree)


def test_a_folder_that_does_not_exist_is_refused(tree: Target, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no Git repository"):
        open_repository(dataclasses.replace(tree, path=tmp_path / "nowhere"))


def test_a_folder_inside_another_repository_is_refused(committed: Target) -> None:
    with pytest.raises(BadInputError, match="is no Git repository"):
        open_repository(dataclasses.replace(committed, path=committed.path / "scripts"))


def test_a_bare_repository_is_refused(tree: Target) -> None:
    with pytest.raises(BadInputError, match="bare") as caught:
        open_repository(dataclasses.replace(tree, path=Path(tree.url)))
    assert "git clone" in (caught.value.fix or "")


def test_a_detached_head_is_refused(committed: Target) -> None:
    git(committed.path, "switch", "--quiet", "--detach")
    with pytest.raises(BadInputError, match="detached HEAD") as caught:
        open_repository(committed)
    assert caught.value.fix == f"`git -C {committed.path} switch main`"


def test_another_branch_is_refused(committed: Target) -> None:
    git(committed.path, "switch", "--quiet", "--create", "experiment")
    with pytest.raises(BadInputError, match="is on the branch experiment, not on main"):
        open_repository(committed)


@pytest.mark.parametrize("name", ["README.md", "brand new.md", "ünïcode\twith tab.md", "new/folder/file.md"])
def test_uncommitted_changes_are_named(committed: Target, name: str) -> None:
    (committed.path / name).parent.mkdir(parents=True, exist_ok=True)
    (committed.path / name).write_text("changed\n")
    assert open_repository(committed).changes == (name,)
    with pytest.raises(BadInputError, match="not committed") as caught:
        open_repository(committed, clean=True)
    assert name in caught.value.message
    assert "stash" in (caught.value.fix or "")


def test_unresolved_conflicts_are_for_a_person(committed: Target) -> None:
    path = committed.path
    conflict(path)
    with pytest.raises(ConflictError, match=r"README\.md") as caught:
        open_repository(committed)
    assert caught.value.exit_code == 3

    (path / "README.md").write_text("both\n")
    git(path, "add", "--all")
    with pytest.raises(ConflictError, match="a merge is unfinished"):
        open_repository(committed)


def test_another_clusters_repository_is_refused(committed: Target) -> None:
    with pytest.raises(BadInputError, match="of the cluster lab, not of home"):
        open_repository(committed, cluster="home")


@pytest.mark.parametrize("content", [None, "layout: infra\n", "name: 5\n", "- a\n"])
def test_a_repository_without_a_clusters_name_is_refused(committed: Target, content: str | None) -> None:
    file = committed.path / ".copier-answers.yml"
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(BadInputError, match="without a cluster's name"):
        open_repository(committed, cluster="lab")


def test_recorded_answers_that_are_no_yaml_are_refused(committed: Target) -> None:
    (committed.path / ".copier-answers.yml").write_text("name: [\n")
    with pytest.raises(BadInputError, match="can't be read"):
        cluster_of(committed.path)


def test_another_remote_is_refused_and_left_alone(committed: Target) -> None:
    other = dataclasses.replace(committed, url="https://git.example.org/team/infra.git")
    with pytest.raises(BadInputError, match="origin") as caught:
        open_repository(other)
    assert "remote set-url origin https://git.example.org/team/infra.git" in (caught.value.fix or "")
    assert git(committed.path, "config", "remote.origin.url") == committed.url


def test_the_same_remote_may_be_written_with_and_without_git_at_its_end(committed: Target) -> None:
    open_repository(dataclasses.replace(committed, url=committed.url.removesuffix(".git")))


def test_a_repository_without_a_remote_gets_one(committed: Target) -> None:
    git(committed.path, "remote", "remove", "origin")
    open_repository(committed)
    assert git(committed.path, "config", "remote.origin.url") == committed.url


@pytest.mark.parametrize("content", ["[]", "{}", '{"run": 1}', '{"run": "x", "head": []}', "[" * 100_000, "\xff"])
def test_a_damaged_note_of_a_replacement_is_said_with_the_way_out(tree: Target, content: str) -> None:
    """Faults E10: tracebacks."""
    commit_tree(tree, author=None, subject="x", run_id=RUN)
    note = tree.path / ".git" / "fmc-replacement" / "note.json"
    note.parent.mkdir()
    note.write_text(content)
    with pytest.raises(BadInputError, match=r"note\.json is damaged") as caught:
        open_repository(tree)
    subprocess.run((caught.value.fix or "").split("`")[1], shell=True, check=True)
    assert open_repository(tree).changes == ()
