"""Comparing a rendered tree with what is committed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.delivery import Target, commit_tree, difference, tree_digest
from generator.errors import BadInputError
from tests.delivery.workspace import RUN, git, make_tree


@pytest.fixture
def committed(tree: Target) -> Path:
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    return tree.path


def test_the_same_tree_rendered_again_does_not_differ(committed: Path, tmp_path: Path) -> None:
    again = make_tree(tmp_path / "again" / "infra")
    assert difference(committed, again) == []
    assert tree_digest(committed) == tree_digest(again)


def test_added_changed_missing_and_no_longer_executable_files_are_listed(committed: Path, tmp_path: Path) -> None:
    again = make_tree(tmp_path / "again" / "infra")
    (again / "README.md").write_text("other\n")
    (again / "scripts" / "run.sh").chmod(0o644)
    (again / "folder").mkdir()
    (again / "folder" / "new.yaml").write_text("a: 1\n")
    (again / ".copier-answers.yml").unlink()
    assert difference(committed, again) == [".copier-answers.yml", "README.md", "folder/new.yaml", "scripts/run.sh"]
    assert tree_digest(committed) != tree_digest(again)


def test_what_is_not_committed_does_not_count(committed: Path, tmp_path: Path) -> None:
    again = make_tree(tmp_path / "again" / "infra")
    (committed / "README.md").write_text("a person is editing this\n")
    assert difference(committed, again) == []


def test_symbolic_links_are_compared_by_their_target(committed: Path, tmp_path: Path) -> None:
    (committed / "link").symlink_to("README.md")
    (committed / "folder").symlink_to("scripts")
    git(committed, "add", "--all")
    git(committed, "commit", "--quiet", "--message=links")
    again = tmp_path / "again"
    shutil.copytree(committed, again, symlinks=True)
    assert difference(committed, again) == []
    (again / "link").unlink()
    (again / "link").symlink_to("scripts/run.sh")
    assert difference(committed, again) == ["link"]


def test_a_repository_without_a_commit_lacks_everything(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    assert difference(tmp_path / "empty", make_tree(tmp_path / "tree")) == [
        ".copier-answers.yml",
        "README.md",
        "scripts/run.sh",
    ]


def test_a_repository_with_sha256_objects_is_compared_too(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    git(tree, "init", "--quiet", "--object-format=sha256")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message=x")
    assert difference(tree, tree) == []


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no Git repository"):
        difference(tmp_path, tmp_path)


_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
_TREES = st.dictionaries(
    _NAMES.filter(lambda name: name not in {".", ".."} and not name.lower().startswith((".git", "git~"))),
    st.tuples(st.binary(max_size=20), st.booleans()),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=_TREES, after=_TREES)
def test_the_difference_is_what_git_would_commit(tmp_path: Path, before: dict, after: dict) -> None:  # type: ignore[type-arg]
    folder = Path(tempfile.mkdtemp(dir=tmp_path))

    def write(name: str, files: dict[str, tuple[bytes, bool]]) -> Path:
        (folder / name).mkdir()
        for file, (content, executable) in files.items():
            (folder / name / file).write_bytes(content)
            (folder / name / file).chmod(0o755 if executable else 0o644)
        return folder / name

    repository = write("before", before)
    commit_tree(Target("infra", repository, "/nowhere.git", "main"), author=None, subject="x", run_id=RUN)
    staging = write("after", after)
    expected = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert difference(repository, staging) == expected
    assert (tree_digest(repository) == tree_digest(staging)) == (not expected)
