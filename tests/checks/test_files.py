"""Which files are checked: those that Git would commit, each once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from generator.checks.reading import source_files
from generator.checks.reading.source_files import list_files
from generator.errors import BadInputError, ToolError


def _write(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, env=environment)


def _names(trees: dict[str, Path]) -> list[str]:
    files, findings = list_files(trees)
    assert not findings
    return [file.name for file in files]


def test_a_folder_is_walked_without_what_git_and_terraform_keep_there(tmp_path: Path) -> None:
    _write(tmp_path / "infra", "a", "b/c", "b/.git/config", ".terraform/providers/x", "b/.venv/y", ".github/z")
    assert _names({"infra": tmp_path / "infra"}) == ["infra/.github/z", "infra/a", "infra/b/c"]


def test_in_a_repository_ignored_files_are_left_out_and_new_ones_are_not(tmp_path: Path) -> None:
    infra = _write(tmp_path / "infra", "kept", "kubeconfig", "deleted", "new folder/é")
    (infra / ".gitignore").write_text("kubeconfig\n")
    _git(infra, "init", "-q")
    _git(infra, "add", "kept", "deleted", ".gitignore")
    _git(infra, "commit", "-qm", "first")
    (infra / "deleted").unlink()
    assert _names({"infra": infra}) == ["infra/.gitignore", "infra/kept", "infra/new folder/é"]


def test_an_ignored_file_that_is_committed_all_the_same_is_checked(tmp_path: Path) -> None:
    infra = _write(tmp_path / "infra", "kubeconfig")
    (infra / ".gitignore").write_text("kubeconfig\n")
    _git(infra, "init", "-q")
    _git(infra, "add", "-f", "kubeconfig")
    assert "infra/kubeconfig" in _names({"infra": infra})


def test_a_hook_of_another_repository_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    infra, other = _write(tmp_path / "infra", "a"), _write(tmp_path / "other", "b")
    for folder in (infra, other):
        _git(folder, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert _names({"infra": infra}) == ["infra/a"]


def test_a_hook_of_another_worktree_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults B4: in a linked worktree `.git` is a file, and the variables of a hook were left as they were."""
    main, other = _write(tmp_path / "main", "a"), _write(tmp_path / "other", "b")
    for folder in (main, other):
        _git(folder, "init", "-q")
        _git(folder, "add", "-A")
        _git(folder, "commit", "-qm", "first")
    _git(main, "worktree", "add", "-q", str(tmp_path / "infra"))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert _names({"infra": tmp_path / "infra"}) == ["infra/a"]


def test_a_repository_that_git_refuses_is_not_taken_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults E9: git's failure is an error, not an empty answer."""
    infra = _write(tmp_path / "infra", "a")
    _git(infra, "init", "-q")
    # What git's own tests set, for want of a second user (t0033-safe-directory.sh).
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(BadInputError, match="belongs to another user") as refused:
        list_files({"infra": infra})
    assert f"safe.directory {infra}" in (refused.value.fix or "")


def test_the_parts_of_a_monorepo_are_folders_of_one_repository(tmp_path: Path) -> None:
    home = _write(tmp_path / "home", "README.md", "infra/a", "argocd/b", "infra/secret.env", "other/c")
    (home / ".gitignore").write_text("*.env\n")
    _git(home, "init", "-q")
    trees = {"monorepo": home, "infra": home / "infra", "argocd": home / "argocd"}
    assert _names(trees) == ["argocd/b", "infra/a", "home/.gitignore", "home/README.md", "home/other/c"]
    assert _names({"infra": home / "infra"}) == ["infra/a"]


def test_a_staged_tree_that_a_repository_above_ignores_is_checked(tmp_path: Path) -> None:
    workspace = _write(tmp_path / "workspace", "argocd/b")
    (workspace / ".gitignore").write_text("*\n")
    _git(workspace, "init", "-q")
    assert _names({"argocd": workspace / "argocd"}) == ["argocd/b"]


def test_without_git_everything_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    infra = _write(tmp_path / "infra", "a")
    _git(infra, "init", "-q")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert _names({"infra": infra}) == ["infra/a"]


def test_a_failing_git_is_an_error_and_no_empty_answer(tmp_path: Path) -> None:
    """Faults E9: what git can't list must not count as having no finding."""
    infra = _write(tmp_path / "infra", "a")
    _git(infra, "init", "-q")
    (infra / ".git" / "index").write_bytes(b"no index")
    with pytest.raises(ToolError, match=r"(?s)`git ls-files` failed in .*/infra.*index") as caught:
        list_files({"infra": infra})
    assert caught.value.fix


def test_a_repository_that_git_does_not_take_for_one_is_an_error(tmp_path: Path) -> None:
    """Faults E9: the folder .git is there, and nothing of what makes it one."""
    infra = _write(tmp_path / "infra", "a", ".git/config")
    with pytest.raises(ToolError, match="not a git repository"):
        list_files({"infra": infra})


def test_gigabytes_that_nobody_commits_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults E19: one file of 5 GB, and more small ones than may be read altogether."""
    infra = _write(tmp_path / "infra", "a")
    _git(infra, "init", "-q")
    _git(infra, "add", "a")
    for name, size in (("disk.img", 5 << 30), ("z1", 3 << 20), ("z2", 3 << 20)):
        (infra / name).touch()
        os.truncate(infra / name, size)
    monkeypatch.setattr(source_files, "MOST_NEW", 4 << 20)
    read: list[str] = []

    def read_bytes(path: Path) -> bytes:
        read.append(path.name)
        return b""

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    files, findings = list_files({"infra": infra})
    assert [file.content for file in files] == [b""] * 4
    assert read == ["a", "z1"]
    assert [(item.file, item.rule, item.severity) for item in findings] == [
        ("infra/disk.img", "files/too-large", "warning"),
        ("infra/z2", "files/too-large", "warning"),
    ]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    infra = _write(tmp_path / "infra", "a/b")
    (infra / "loop").symlink_to(".")
    (infra / "c").symlink_to("a/b")
    assert _names({"infra": infra}) == ["infra/a/b", "infra/c"]


def test_a_missing_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="there is no folder"):
        list_files({"infra": tmp_path / "infra"})


def test_a_file_that_can_not_be_read_is_bad_input(tmp_path: Path) -> None:
    (file,), _ = list_files({"infra": _write(tmp_path / "infra", "a")})
    (tmp_path / "infra" / "a").unlink()
    with pytest.raises(BadInputError, match="can't read infra/a"):
        _ = file.content
