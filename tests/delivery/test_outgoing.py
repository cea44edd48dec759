"""What a push would publish, as the leak gate reads it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.outgoing import known_tip, outgoing_blobs
from generator.delivery.model import Target
from generator.errors import BadInputError, ToolError
from tests.delivery.workspace import RUN, Workspace, git, make_tree


@pytest.fixture
def committed(tree: Target) -> Target:
    (tree.path / "twice.md").write_text("# infra\n")
    (tree.path / "without a line break").write_bytes(b"\x00\xffbinary\r\n\nx")
    (tree.path / "empty").touch()
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    return tree


def save(path: Path, message: str) -> None:
    git(path, "add", "--all")
    git(path, "commit", "--quiet", f"--message={message}")


def test_every_content_and_message_is_yielded(committed: Target) -> None:
    found = dict(outgoing_blobs(committed.path, None))
    head = git(committed.path, "rev-parse", "HEAD")
    assert found.pop(f"commit {head}").endswith(b"feat: render\n\n" + _trailers(committed.path))
    assert found.pop("without a line break") == b"\x00\xffbinary\r\n\nx"
    assert found.pop("empty") == b""
    assert found.pop("README.md") == b"# infra\n"
    # The same content under two names is one blob.
    assert "twice.md" not in found
    assert sorted(found) == [".copier-answers.yml", "scripts/run.sh"]


def _trailers(path: Path) -> bytes:
    return git(path, "log", "-1", "--format=%(trailers)").encode() + b"\n"


def test_a_file_that_was_removed_again_is_published_all_the_same(committed: Target) -> None:
    (committed.path / "secret.txt").write_text("hunter2\n")
    save(committed.path, "oops")
    (committed.path / "secret.txt").unlink()
    save(committed.path, "remove it")
    assert dict(outgoing_blobs(committed.path, None))["secret.txt"] == b"hunter2\n"


def test_only_what_the_remote_lacks_is_yielded(committed: Target) -> None:
    before = git(committed.path, "rev-parse", "HEAD")
    (committed.path / "new.yaml").write_text("a: 1\n")
    save(committed.path, "add new.yaml")
    assert [name for name, _ in outgoing_blobs(committed.path, before)] == [
        f"commit {git(committed.path, 'rev-parse', 'HEAD')}",
        "new.yaml",
    ]


def test_nothing_is_outgoing_where_the_remote_has_all(committed: Target) -> None:
    assert list(outgoing_blobs(committed.path, git(committed.path, "rev-parse", "HEAD"))) == []


def test_a_remote_commit_that_is_unknown_here_excludes_nothing(committed: Target) -> None:
    assert len(list(outgoing_blobs(committed.path, "1" * 40))) == len(list(outgoing_blobs(committed.path, None)))


def test_unusual_names_do_not_shift_what_is_read(committed: Target) -> None:
    for name in ("with space", "ünïcode\ttab", "two\nlines", " leading"):
        (committed.path / name).write_text(f"content of {name}")
    save(committed.path, "names")
    contents = [content for _, content in outgoing_blobs(committed.path, None)]
    for name in ("with space", "ünïcode\ttab", "two\nlines", " leading"):
        assert f"content of {name}".encode() in contents


def test_a_repository_with_sha256_objects_is_read(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    git(tree, "init", "--quiet", "--object-format=sha256")
    save(tree, "x")
    assert dict(outgoing_blobs(tree, None))["README.md"] == b"# tree\n"


def test_reading_may_be_given_up(committed: Target) -> None:
    blobs = outgoing_blobs(committed.path, None)
    next(iter(blobs))
    del blobs


def test_a_repository_without_a_commit_sends_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    assert list(outgoing_blobs(tmp_path / "empty", None)) == []


def test_a_missing_object_is_an_error_and_not_passed_over(committed: Target) -> None:
    blob = git(committed.path, "rev-parse", "HEAD:README.md")
    (committed.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(ToolError, match="missing"):
        list(outgoing_blobs(committed.path, None))


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no Git repository"):
        list(outgoing_blobs(tmp_path, None))


def test_the_tip_of_the_remote_is_known_after_a_push(workspace: Workspace) -> None:
    target = workspace.target("infra")
    assert known_tip(target) is None
    workspace.commit()
    assert known_tip(target) is None
    workspace.push()
    assert known_tip(target) == workspace.heads()["infra"]
    git(target.path, "pack-refs", "--all")
    assert known_tip(target) == workspace.heads()["infra"]
    assert known_tip(dataclasses.replace(target, branch="other")) is None
