"""What a push would publish, as the leak gate reads it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from generator.checks.rules.leaks import digest
from generator.delivery.local.commits import commit_tree
from generator.delivery.local.outgoing import believed_tips, outgoing_blobs
from generator.delivery.model import Target
from generator.delivery.remote.ask import ask_all
from generator.errors import BadInputError, ToolError
from generator.pipeline.steps.gate import leaks_in_commits
from tests.delivery.workspace import RUN, Workspace, git, make_remote, make_tree


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
    assert found.pop("names in scripts") == b"run.sh"
    assert sorted(found) == [".copier-answers.yml", "names in the top folder", "scripts/run.sh"]


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
        "names in the top folder",
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


def test_the_names_of_files_are_yielded_also_where_their_content_is_published_already(committed: Target) -> None:
    """Faults E14: a file that is only renamed sends no content, but a folder with its new name."""
    before = git(committed.path, "rev-parse", "HEAD")
    git(committed.path, "mv", "README.md", "a-password-of-mine")
    git(committed.path, "mv", "scripts", "another-password")
    save(committed.path, "rename")
    found = dict(outgoing_blobs(committed.path, before))
    assert found["names in the top folder"].splitlines() == [
        b".copier-answers.yml",
        b"a-password-of-mine",
        b"another-password",
        b"empty",
        b"twice.md",
        b"without a line break",
    ]
    assert len(found) == 2


def test_a_repository_that_git_refuses_is_no_empty_one(committed: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults E9: a key in an unpushed commit of a repository of another user was not found."""
    # What git's own tests set, for want of a second user (t0033-safe-directory.sh).
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(BadInputError, match="belongs to another user"):
        list(outgoing_blobs(committed.path, None))


@pytest.mark.parametrize("hidden_by", ["replace", "graft"])
def test_what_git_would_show_in_place_of_an_object_hides_nothing(committed: Target, hidden_by: str) -> None:
    """Faults E14: a push sends the object, and not its replacement."""
    (committed.path / "secret.txt").write_text("hunter2\n")
    save(committed.path, "oops")
    if hidden_by == "replace":
        blob = git(committed.path, "rev-parse", "HEAD:secret.txt")
        git(committed.path, "replace", blob, git(committed.path, "rev-parse", "HEAD:README.md"))
    (committed.path / "secret.txt").unlink()
    save(committed.path, "remove it")
    if hidden_by == "graft":
        head, root = (git(committed.path, "rev-parse", name) for name in ("HEAD", "HEAD~2"))
        (committed.path / ".git" / "info" / "grafts").write_text(f"{head} {root}\n")
        assert git(committed.path, "rev-list", "--count", "HEAD") == "2"
    assert dict(outgoing_blobs(committed.path, None))["secret.txt"] == b"hunter2\n"


def test_the_tip_of_a_clone_is_what_its_remote_had(workspace: Workspace) -> None:
    target = workspace.target("infra")
    assert believed_tips([target], None) == {target: None}
    workspace.commit()
    assert believed_tips([target], None) == {target: None}
    workspace.push()
    head = workspace.heads()["infra"]
    assert believed_tips([target], None) == {target: head}
    git(target.path, "pack-refs", "--all")
    assert believed_tips([target], None) == {target: head}
    other = dataclasses.replace(target, branch="other")
    assert believed_tips([other], None) == {other: None}


def test_what_another_remote_had_is_not_believed_of_this_one(workspace: Workspace) -> None:
    """Faults E2: `origin/main` went on telling what the remote before had."""
    workspace.commit()
    workspace.push()
    target = workspace.target("infra")
    moved = dataclasses.replace(target, url=f"{target.url}-elsewhere")
    last = workspace.state.read()
    assert believed_tips([target, moved], last) == {target: workspace.heads()["infra"], moved: None}


def test_a_key_in_an_old_commit_does_not_reach_a_new_remote(workspace: Workspace) -> None:
    """Faults E2: the gate took what the remote before had for what the new one has."""
    infra = workspace.target("infra")
    workspace.commit()
    (infra.path / "key.txt").write_text("a-password-of-mine\n")
    save(infra.path, "oops")
    (infra.path / "key.txt").unlink()
    save(infra.path, "remove it")
    # The first remote has got it already; that can't be undone from here.
    workspace.push()
    elsewhere = make_remote(workspace.root / "elsewhere" / "infra.git")
    git(infra.path, "remote", "set-url", "origin", str(elsewhere))
    target = dataclasses.replace(infra, url=str(elsewhere))

    def leaks(one: Target) -> list[str]:
        tips = {answer.target: answer.tip for answer in ask_all([one])}
        return [finding.file for finding in leaks_in_commits([one], tips, [b"a-password-of-mine"])]

    assert leaks(target) == ["infra/key.txt"]
    git(infra.path, "remote", "set-url", "origin", infra.url)
    assert leaks(infra) == []


def test_contents_that_were_searched_are_passed_over_and_names_are_not(committed: Target) -> None:
    secret = b"correct-horse-battery-staple"
    (committed.path / "content.txt").write_bytes(secret)
    (committed.path / f"{secret.decode()}.txt").write_text("a name\n")
    save(committed.path, "oops")

    def places(*clean: bytes) -> list[str]:
        found = leaks_in_commits([committed], {}, [secret], {digest(content) for content in clean})
        return sorted(leak.file.rpartition("/")[2] for leak in found)

    everything = places()
    assert "content.txt" in everything
    assert places(secret) == [place for place in everything if place != "content.txt"]
    assert places(secret, b"a name\n") == places(secret) != []
