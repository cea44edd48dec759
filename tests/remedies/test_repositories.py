"""Remedies about repositories on this disk, followed on real ones: what is advised is done, and the push succeeds."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.delivery.local.commits import identity_variables, require_identity
from generator.delivery.local.repository import cluster_of, open_repository
from generator.delivery.model import Author
from tests.delivery.test_push import colleague
from tests.delivery.workspace import Workspace, conflict, git, hook, make_remote, make_workspace, rendered_again
from tests.remedies.pushing import succeeds
from tests.remedies.walk import advice, commands, do

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("way", ["commit", "put aside"])
def test_changes_that_are_not_committed(lab: Workspace, way: str) -> None:
    lab.edit("apps", "README.md", "mine\n")
    lab.edit("apps", "new.md")
    fix = advice(lab.push, "Commit them, or put them aside")
    if way == "commit":
        lab.commit()
    else:
        do(commands(fix)[0], lab.root)
    succeeds(lab)


def test_a_bare_repository(lab: Workspace) -> None:
    path = lab.target("apps").path
    git(path, "clone", "--quiet", "--bare", ".", str(lab.root / "bare"))
    shutil.rmtree(path)
    (lab.root / "bare").rename(path)
    for command in commands(advice(lab.push, "Put a clone in its place")):
        do(command, lab.root)
    succeeds(lab)


@pytest.mark.parametrize("state", ["another branch", "detached"])
def test_a_branch_that_is_not_checked_out(lab: Workspace, state: str) -> None:
    path = lab.target("apps").path
    git(path, "switch", "--quiet", *(["--detach"] if state == "detached" else ["--create", "experiment"]))
    do(commands(advice(lab.push, "switch main"))[0], lab.root)
    succeeds(lab)


def test_a_branch_that_is_not_there_yet(lab: Workspace) -> None:
    """As after another answer `git_branch`: `git switch` alone knows no such branch."""
    lab.targets = [dataclasses.replace(target, branch="gitops/prod") for target in lab.targets]
    for _ in lab.targets:
        for command in commands(advice(lab.push, "switch --create gitops/prod")):
            do(command, lab.root)
        if all(git(target.path, "branch", "--show-current") == "gitops/prod" for target in lab.targets):
            break
    lab.push()
    assert {part: lab.branches(part)["gitops/prod"] for part in lab.heads()} == lab.heads()


@pytest.mark.parametrize("operation", ["merge", "cherry-pick", "revert"])
@pytest.mark.parametrize("way", [0, 1])
def test_an_operation_that_is_unfinished(lab: Workspace, operation: str, way: int) -> None:
    path = lab.target("apps").path
    conflict(path, operation)
    (path / "README.md").write_text("both\n")
    git(path, "add", "README.md")
    do(commands(advice(lab.push, "Finish it with"))[way], lab.root)
    succeeds(lab)


def test_a_conflict_of_the_rebase_that_was_advised(lab: Workspace) -> None:
    """While a rebase waits no branch is checked out, and git lets nobody switch: it has to be brought to its end."""
    path = lab.target("apps").path
    clone = colleague(lab, "apps")
    (clone / "README.md").write_text("theirs\n")
    git(clone, "commit", "--quiet", "--all", "--message=theirs, too")
    git(clone, "push", "--quiet")
    (path / "README.md").write_text("ours\n")
    git(path, "commit", "--quiet", "--all", "--message=ours")
    pull = commands(advice(lab.push, "Take them in with"))[0]
    assert subprocess.run(["bash", "-c", pull], capture_output=True, check=False).returncode == 1
    fix = advice(lab.push, "Resolve them")
    (path / "README.md").write_text("both\n")
    add, finish = commands(fix)
    do(f"{add} README.md", path)
    assert commands(advice(lab.push, "Finish it with"))[0] == finish
    do(finish, lab.root)
    succeeds(lab)


def test_another_remote(lab: Workspace) -> None:
    moved = make_remote(lab.root / "moved" / "apps.git")
    lab.targets = [
        dataclasses.replace(target, url=str(moved)) if target.part == "apps" else target for target in lab.targets
    ]
    do(commands(advice(lab.push, "Correct git_base_url"))[0], lab.root)
    lab.push()
    assert git(moved, "rev-parse", "main") == lab.heads()["apps"]


def test_a_repository_of_another_cluster(lab: Workspace) -> None:
    target = lab.target("apps")
    advice(partial(open_repository, target, cluster="home"), "Choose another destination, or correct `name`")
    assert open_repository(target, cluster="lab").head


def test_recorded_answers_that_can_not_be_read(lab: Workspace) -> None:
    path = lab.target("apps").path
    (path / ".copier-answers.yml").write_text("name: [\n")
    do(commands(advice(partial(cluster_of, path), "Restore it"))[0], lab.root)
    assert open_repository(lab.target("apps"), cluster="lab").head


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    lab = make_workspace(tmp_path / "my lab")
    lab.commit()
    path = lab.target("apps").path
    shutil.rmtree(path / ".git")
    git(path, "init", "--quiet", "--initial-branch=main")
    (path / ".git" / "info").mkdir(exist_ok=True)
    (path / ".git" / "info" / "exclude").write_text("*\n")
    advice(lab.push, "Commit its files first")
    git(path, "add", "--all", "--force")
    git(path, "commit", "--quiet", "--message=first")
    succeeds(lab)


def test_a_damaged_note_of_a_replacement(lab: Workspace) -> None:
    path = lab.target("apps").path
    note = path / ".git" / "fmc-replacement" / "note.json"
    note.parent.mkdir()
    note.write_text("[]")
    (path / "README.md").write_text("half of a replacement\n")
    git(path, "add", "README.md")
    remove, status, restore = commands(advice(lab.push, "Remove it"))
    do(remove, lab.root)
    assert "README.md" in do(status, lab.root)
    do(restore, lab.root)
    succeeds(lab)


def test_a_state_file_that_can_not_be_read(lab: Workspace) -> None:
    lab.state.path.write_text("[]")
    advice(lab.push, "Remove it")
    lab.state.path.unlink()
    succeeds(lab)


def test_ignored_files_where_new_ones_belong(lab: Workspace, tmp_path: Path) -> None:
    target = lab.target("infra")
    (target.path / ".git" / "info").mkdir(exist_ok=True)
    (target.path / ".git" / "info" / "exclude").write_text("kept\n")
    (target.path / "kept").write_text("mine\n")
    staging = tmp_path / "second"
    shutil.copytree(target.path, staging, ignore=shutil.ignore_patterns(".git"))
    (staging / "kept").write_text("rendered\n")
    again = partial(rendered_again, (target, staging))
    advice(again, "Move them away")
    (target.path / "kept").rename(tmp_path / "kept")
    again()
    assert (target.path / "kept").read_text() == "rendered\n"


def test_a_lock_that_a_killed_git_left(lab: Workspace) -> None:
    lab.edit("apps", "later.md")
    lock = lab.target("apps").path / ".git" / "index.lock"
    lock.touch()
    do(commands(advice(lab.commit, "If none is running"))[0], lab.root)
    lab.commit()
    succeeds(lab)


def test_a_commit_that_can_not_be_signed(lab: Workspace, tmp_path: Path) -> None:
    lab.edit("apps", "later.md")
    for name, value in (("commit.gpgsign", "true"), ("gpg.format", "ssh"), ("user.signingkey", "/nowhere/key")):
        git(tmp_path, "config", "--global", name, value)
    advice(lab.commit, "Unlock the signing key or correct user.signingkey")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    git(tmp_path, "config", "--global", "user.signingkey", str(tmp_path / "key"))
    lab.commit()
    succeeds(lab)


def test_a_hook_that_refuses_a_commit(lab: Workspace) -> None:
    lab.edit("apps", "later.md")
    hook(lab.target("apps").path, "pre-commit", "echo no trailing blanks >&2; exit 1")
    advice(lab.commit, "Correct what it names")
    hook(lab.target("apps").path, "pre-commit", "exit 0")
    lab.commit()
    succeeds(lab)


def test_nobody_is_known_who_commits(lab: Workspace, own_git: Path) -> None:
    own_git.write_text("[user]\n\tuseConfigOnly = true\n")
    check = partial(require_identity, lab.root, None)
    for command in commands(advice(check, "Tell it once")):
        do(command, lab.root)
    check()
    lab.edit("apps", "later.md")
    lab.commit()
    assert git(lab.target("apps").path, "log", "-1", "--format=%an %ae") == "Your Name you@example.com"


def test_an_author_that_no_commit_can_have() -> None:
    advice(partial(identity_variables, Author("Ada <the first>", "ada@example.com")), "Leave out angle brackets")
    assert identity_variables(Author("Ada the first", "ada@example.com"))["GIT_AUTHOR_NAME"] == "Ada the first"
