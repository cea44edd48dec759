"""What Git would record of a folder, computed without Git."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.delivery.git.command import repository_at
from generator.delivery.git.objects import Entry, entries_of_commit, entries_of_folder
from tests.delivery.workspace import git, make_tree

_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
_TREES = st.dictionaries(
    _NAMES.filter(lambda name: name not in {".", ".."} and not name.lower().startswith((".git", "git~"))),
    st.tuples(st.binary(max_size=20), st.booleans()),
    min_size=1,
    max_size=5,
)


@pytest.fixture(params=["sha1", "sha256"])
def repository(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    git(tmp_path, "init", "--quiet", f"--object-format={request.param}", "repository")
    return tmp_path / "repository"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=_TREES)
def test_files_of_a_folder_are_what_git_would_record(tmp_path: Path, files: dict[str, tuple[bytes, bool]]) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    for name, (content, executable) in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755 if executable else 0o644)
    hashed = subprocess.run(
        ["git", "hash-object", "--no-filters", "--", *files], cwd=folder, capture_output=True, text=True, check=True
    )
    expected = {
        name: Entry("100755" if executable else "100644", blob)
        for (name, (_, executable)), blob in zip(files.items(), hashed.stdout.split(), strict=True)
    }
    assert entries_of_folder(folder, "sha1") == expected


def test_a_folder_and_its_commit_have_the_same_files(repository: Path) -> None:
    make_tree(repository / "part")
    (repository / "link").symlink_to("part/README.md")
    (repository / "to a folder").symlink_to("part")
    (repository / "part" / "ünïcode\twith tab.md").write_text("x\n")
    (repository / "empty folder").mkdir()
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=x")
    repo = repository_at(repository)
    assert repo is not None
    algorithm = git(repository, "rev-parse", "--show-object-format")
    committed = entries_of_commit(repository, repo, git(repository, "rev-parse", "HEAD"))
    assert entries_of_folder(repository, algorithm) == committed
    assert {entry.mode for entry in committed.values()} == {"100644", "100755", "120000"}


def test_the_digest_is_of_names_modes_and_contents(tmp_path: Path) -> None:
    one, two = make_tree(tmp_path / "1" / "infra"), make_tree(tmp_path / "2" / "infra")
    git(two, "init", "--quiet")
    (two / "empty").mkdir()
    entries = entries_of_folder(one, "sha1")
    assert entries_of_folder(two, "sha1") == entries
    (two / "scripts" / "run.sh").chmod(0o644)
    assert entries_of_folder(two, "sha1") != entries
    (two / "scripts" / "run.sh").chmod(0o755)
    (two / "README.md").rename(two / "README")
    assert entries_of_folder(two, "sha1") != entries
    (two / "README").rename(two / "README.md")
    assert entries_of_folder(two, "sha1") == entries
    (two / "README.md").write_text("other\n")
    assert entries_of_folder(two, "sha1") != entries
