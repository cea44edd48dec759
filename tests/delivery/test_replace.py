"""Replacing the files of an existing repository by a newly rendered tree."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.repository import open_repository
from generator.delivery.model import Commit, Target
from generator.errors import BadInputError, ConflictError, OverlapError, ToolError
from tests.delivery.processes import is_killed
from tests.delivery.workspace import RUN, Workspace, git, hook, make_tree, rendered_again

SECOND = "20260102T000000Z"


@pytest.fixture
def committed(tree: Target) -> Target:
    (tree.path / "old").mkdir()
    (tree.path / "old" / "a.yaml").write_text("a: 1\n")
    (tree.path / "file-then-folder").write_text("x\n")
    (tree.path / "folder-then-file").mkdir()
    (tree.path / "folder-then-file" / "b.yaml").write_text("b: 1\n")
    (tree.path / ".gitignore").write_text("*.tfstate\n")
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    return tree


@pytest.fixture
def staging(committed: Target, tmp_path: Path) -> Path:
    """Make what a second rendering would: files added, changed, removed, and of another kind."""
    folder = tmp_path / "second"
    shutil.copytree(committed.path, folder, ignore=shutil.ignore_patterns(".git"))
    (folder / "README.md").write_text("# second\n" * 50)
    (folder / "old" / "a.yaml").unlink()
    (folder / "old").rmdir()
    (folder / "file-then-folder").unlink()
    (folder / "file-then-folder").mkdir()
    (folder / "file-then-folder" / "c.yaml").write_text("c: 1\n")
    (folder / "folder-then-file" / "b.yaml").unlink()
    (folder / "folder-then-file").rmdir()
    (folder / "folder-then-file").write_text("now a file\n")
    (folder / "scripts" / "run.sh").chmod(0o644)
    (folder / "link").symlink_to("README.md")
    return folder


def replaced(target: Target, staging: Path) -> Commit:
    return rendered_again((target, staging), run_id=SECOND)[0]


def assert_replaced(target: Target, staging: Path, commits: int = 2) -> None:
    """Assert that commit, index and files all are the rendered tree, and that the next call has nothing to do."""
    path = target.path
    assert git(path, "status", "--porcelain", "--ignored") == ""
    assert git(path, "rev-list", "--count", "HEAD") == str(commits)
    for file in (file for file in staging.rglob("*") if not file.is_dir()):
        copy = path / file.relative_to(staging)
        assert copy.is_symlink() == file.is_symlink()
        assert copy.read_bytes() == file.read_bytes()
        assert (copy.stat().st_mode & 0o100) == (file.stat().st_mode & 0o100)
    assert not (path / ".git" / "fmc-replacement").exists()
    assert not replaced(target, staging).changed


def test_the_rendered_tree_becomes_one_commit_and_the_files_follow(committed: Target, staging: Path) -> None:
    first = git(committed.path, "rev-parse", "HEAD")
    made = replaced(committed, staging)
    assert made == Commit("infra", git(committed.path, "rev-parse", "HEAD"), changed=True)
    assert git(committed.path, "rev-parse", "HEAD^") == first
    assert git(committed.path, "log", "-1", "--format=%s;%an;%(trailers:key=Fmc-Run,valueonly)") == (
        f"feat: render again;Ada;{SECOND}"
    )
    assert_replaced(committed, staging)
    assert not (staging / ".git").exists()


def test_nothing_is_committed_where_nothing_is_rendered_differently(committed: Target, tmp_path: Path) -> None:
    shutil.copytree(committed.path, tmp_path / "same", ignore=shutil.ignore_patterns(".git"))
    assert_replaced(committed, tmp_path / "same", commits=1)


def test_peoples_commits_stay_where_nothing_is_rendered_differently(committed: Target, tmp_path: Path) -> None:
    shutil.copytree(committed.path, tmp_path / "same", ignore=shutil.ignore_patterns(".git"))
    (committed.path / "mine.yaml").write_text("a: 1\n")
    git(committed.path, "add", "--all")
    git(committed.path, "commit", "--quiet", "--message=mine")
    assert not replaced(committed, tmp_path / "same").changed
    assert (committed.path / "mine.yaml").exists()


def test_peoples_commits_are_not_overwritten(committed: Target, staging: Path) -> None:
    (committed.path / "README.md").write_text("# mine\n")
    git(committed.path, "commit", "--quiet", "--all", "--message=mine")
    before = (git(committed.path, "rev-parse", "HEAD"), git(committed.path, "count-objects", "-v"))
    with pytest.raises(OverlapError) as caught:
        replaced(committed, staging)
    assert caught.value.exit_code == 3
    assert [finding.where for finding in caught.value.findings] == ["infra/README.md:1"]
    assert (git(committed.path, "rev-parse", "HEAD"), git(committed.path, "count-objects", "-v")) == before
    assert git(committed.path, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["README.md", "untracked.md"])
def test_what_people_have_not_committed_is_not_overwritten(committed: Target, staging: Path, name: str) -> None:
    (committed.path / name).write_text("mine\n")
    with pytest.raises(BadInputError, match="not committed"):
        replaced(committed, staging)
    assert (committed.path / name).read_text() == "mine\n"


@pytest.mark.parametrize(
    ("rendered", "mine"),
    [
        ("state.tfstate", "state.tfstate"),
        ("x.tfstate/in/folder.yaml", "x.tfstate"),
        ("x", "x/y.tfstate"),
        ("old", "old/kept.tfstate"),
    ],
)
def test_ignored_files_are_not_overwritten(committed: Target, staging: Path, rendered: str, mine: str) -> None:
    (committed.path / mine).parent.mkdir(exist_ok=True)
    (committed.path / mine).write_text("mine\n")
    (staging / rendered).parent.mkdir(parents=True, exist_ok=True)
    (staging / rendered).write_text("rendered\n")
    with pytest.raises(ConflictError, match="files that git ignores"):
        replaced(committed, staging)
    assert (committed.path / mine).read_text() == "mine\n"
    assert git(committed.path, "rev-list", "--count", "HEAD") == "1"


def test_ignored_files_elsewhere_stay(committed: Target, staging: Path) -> None:
    (committed.path / "terraform.tfstate").write_text("mine\n")
    replaced(committed, staging)
    assert (committed.path / "terraform.tfstate").read_text() == "mine\n"


def test_a_hook_that_refuses_leaves_everything_as_it_was(committed: Target, staging: Path) -> None:
    hook(committed.path, "pre-commit", "echo no; exit 1")
    before = git(committed.path, "rev-parse", "HEAD")
    with pytest.raises(ToolError, match="no"):
        replaced(committed, staging)
    assert git(committed.path, "rev-parse", "HEAD") == before
    assert git(committed.path, "status", "--porcelain") == ""
    hook(committed.path, "pre-commit", "exit 0")
    replaced(committed, staging)
    assert_replaced(committed, staging)


def test_an_empty_clone_gets_its_first_commit(tree: Target, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", tree.url, "clone")
    clone = dataclasses.replace(tree, path=tmp_path / "clone")
    assert replaced(clone, tree.path).changed
    assert_replaced(clone, tree.path, commits=1)


def test_line_ends_that_git_converts_do_not_make_a_commit_each_time(committed: Target, staging: Path) -> None:
    (staging / ".gitattributes").write_text("* text=auto eol=lf\n")
    (staging / "windows.txt").write_bytes(b"one\r\n")
    assert replaced(committed, staging).changed
    assert not replaced(committed, staging).changed
    assert git(committed.path, "status", "--porcelain") == ""


def test_one_conflict_keeps_all_repositories_untouched(workspace: Workspace, tmp_path: Path) -> None:
    workspace.commit()
    before = workspace.heads()
    pairs = [(target, make_tree(tmp_path / "again" / target.part)) for target in workspace.targets]
    for _, staged in pairs:
        (staged / "new.yaml").write_text("a: 1\n")
    workspace.edit("apps")
    with pytest.raises(BadInputError, match=r"notes\.md"):
        rendered_again(*pairs)
    assert workspace.heads() == before
    (workspace.target("apps").path / "notes.md").unlink()
    assert all(one.changed for one in rendered_again(*pairs))


def test_killed_at_any_git_command_the_same_command_completes_it(
    tmp_path: Path, committed: Target, staging: Path
) -> None:
    shutil.copytree(committed.path, tmp_path / "original", symlinks=True)
    committed_at: set[bool] = set()
    for step in range(1, 40):
        shutil.rmtree(committed.path)
        shutil.copytree(tmp_path / "original", committed.path, symlinks=True)
        killed = is_killed(lambda: replaced(committed, staging), tmp_path / f"kill-{step}", step, "after")
        committed_at.add(git(committed.path, "rev-list", "--count", "HEAD") == "2")
        replaced(committed, staging)
        assert_replaced(committed, staging)
        if not killed:
            break
    assert not killed
    assert step > 8
    assert committed_at == {False, True}


@pytest.fixture
def interrupted(committed: Target, staging: Path, tmp_path: Path) -> Target:
    """Kill a replacement between its commit and its files."""
    assert is_killed(lambda: replaced(committed, staging), tmp_path / "kill", "commit", "after")
    assert git(committed.path, "rev-list", "--count", "HEAD") == "2"
    return committed


def test_between_commit_and_files_git_alone_would_see_edits(interrupted: Target) -> None:
    assert git(interrupted.path, "status", "--porcelain") != ""
    assert open_repository(interrupted, clean=True).changes == ()
    assert git(interrupted.path, "status", "--porcelain") == ""


def _half_written(path: Path, staging: Path) -> None:
    (path / "README.md").write_bytes((staging / "README.md").read_bytes()[:20])


def _deleted_before_it_was_written(path: Path, staging: Path) -> None:
    (path / "README.md").unlink()


def _some_done(path: Path, staging: Path) -> None:
    shutil.copy(staging / "README.md", path / "README.md")
    shutil.rmtree(path / "old")


def _locks_of_a_killed_git(path: Path, staging: Path) -> None:
    for name in ("after", "after.lock", "paths-restored"):
        (path / ".git" / "fmc-replacement" / name).write_text("half")


def _index_in_place(path: Path, staging: Path) -> None:
    git(path, "reset", "--quiet", "--hard", "HEAD")


@pytest.mark.parametrize(
    "damage", [_half_written, _deleted_before_it_was_written, _some_done, _locks_of_a_killed_git, _index_in_place]
)
def test_whatever_a_kill_left_of_the_files_is_completed(
    interrupted: Target, staging: Path, damage: Callable[[Path, Path], None]
) -> None:
    damage(interrupted.path, staging)
    open_repository(interrupted, clean=True)
    assert_replaced(interrupted, staging)


@pytest.mark.parametrize("name", ["README.md", "scripts/run.sh", ".gitignore", "old/a.yaml", "new.md"])
def test_an_edit_after_the_kill_survives_and_shows_as_one(interrupted: Target, name: str) -> None:
    (interrupted.path / name).write_text("mine, since the kill\n")
    assert open_repository(interrupted).changes == (name,)
    assert (interrupted.path / name).read_text() == "mine, since the kill\n"
    with pytest.raises(BadInputError, match="not committed"):
        open_repository(interrupted, clean=True)


def test_a_person_who_went_on_after_the_kill_is_left_alone(interrupted: Target) -> None:
    git(interrupted.path, "reset", "--quiet", "--hard", "HEAD~1")
    (interrupted.path / "mine.md").write_text("mine\n")
    git(interrupted.path, "add", "--all")
    git(interrupted.path, "commit", "--quiet", "--message=mine")
    open_repository(interrupted, clean=True)
    assert (interrupted.path / "mine.md").exists()
    assert (interrupted.path / "old" / "a.yaml").exists()


def test_a_replacement_that_was_noted_but_not_committed_is_forgotten(committed: Target, tmp_path: Path) -> None:
    folder = committed.path / ".git" / "fmc-replacement"
    folder.mkdir()
    head = git(committed.path, "rev-parse", "HEAD")
    (folder / "note.json").write_text(json.dumps({"head": head, "run": SECOND}))
    (committed.path / "README.md").write_text("mine\n")
    assert open_repository(committed).changes == ("README.md",)
    assert not folder.exists()
