"""Remedies of delivery, followed on real repositories: what is advised is done, and then the push succeeds."""

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
from generator.delivery.remote.ready import remotes_ready
from generator.errors import RemoteError
from tests.delivery.test_push import PROTECT, colleague
from tests.delivery.workspace import RUN, Workspace, git, hook, make_remote, make_workspace, rendered_again
from tests.remedies.walk import advice, commands, do

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def succeeds(lab: Workspace, run: str = RUN) -> None:
    """Push, and see that the remotes have all commits."""
    lab.push(run)
    heads = lab.heads()
    assert {part: git(lab.remote(part), "merge-base", "main", head) for part, head in heads.items()} == heads


# Repositories that are not as they should be.


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
    _conflict(path, operation)
    (path / "README.md").write_text("both\n")
    git(path, "add", "README.md")
    do(commands(advice(lab.push, "Finish it with"))[way], lab.root)
    succeeds(lab)


def _conflict(path: Path, operation: str) -> None:
    """Leave a git command in the middle of a conflict over README.md."""
    git(path, "switch", "--quiet", "--create", "other")
    (path / "README.md").write_text("theirs\n")
    git(path, "commit", "--quiet", "--all", "--message=theirs")
    git(path, "switch", "--quiet", "main")
    (path / "README.md").write_text("ours\n")
    git(path, "commit", "--quiet", "--all", "--message=ours")
    if operation == "revert":
        (path / "README.md").write_text("later\n")
        git(path, "commit", "--quiet", "--all", "--message=later")
    what = "HEAD^" if operation == "revert" else "other"
    assert subprocess.run(["git", operation, what], cwd=path, capture_output=True, check=False).returncode == 1


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


# Remotes that are not as they should be.


def test_a_remote_that_moved_on(lab: Workspace) -> None:
    git(colleague(lab, "apps"), "push", "--quiet")
    do(commands(advice(lab.push, "Take them in with"))[0], lab.root)
    succeeds(lab)


@pytest.mark.parametrize("way", ["rename", "delete"])
def test_a_branch_that_leaves_no_room(lab: Workspace, way: str) -> None:
    lab.targets = [dataclasses.replace(target, branch="gitops/prod") for target in lab.targets]
    for target in lab.targets:
        git(target.path, "switch", "--quiet", "--create", "gitops/prod")
    remote = lab.remote("apps")
    git(remote, "branch", "gitops", "main")
    advice(lab.push, "Rename or delete the branch gitops there")
    git(remote, "branch", *(["--move", "gitops", "other"] if way == "rename" else ["--delete", "--force", "gitops"]))
    lab.push()
    assert lab.branches("apps")["gitops/prod"] == lab.heads()["apps"]


def test_another_history(lab: Workspace) -> None:
    other = lab.root / "other"
    git(lab.root, "init", "--quiet", "--initial-branch=main", "other")
    git(other, "commit", "--quiet", "--allow-empty", "--message=theirs")
    git(other, "push", "--quiet", "--force", str(lab.remote("infra")), "main")
    advice(lab.push, "Check git_base_url and the repositories' names in the answers, or choose an empty repository")
    empty = make_remote(lab.root / "remotes" / "empty.git")
    lab.targets = [
        dataclasses.replace(target, url=str(empty)) if target.part == "infra" else target for target in lab.targets
    ]
    # The next message, about the remote in the repository itself.
    do(commands(advice(lab.push, "Correct git_base_url"))[0], lab.root)
    lab.push()
    assert git(empty, "rev-parse", "main") == lab.heads()["infra"]


@pytest.mark.parametrize("way", [0, 1])
def test_commits_that_somebody_took_back(lab: Workspace, way: int) -> None:
    first = git(lab.remote("apps"), "rev-parse", "main")
    lab.push("second")
    git(lab.remote("apps"), "update-ref", "refs/heads/main", first)
    do(commands(advice(lab.push, "Find out who did it, and why. To take"))[way], lab.root)
    succeeds(lab, "third")


def test_a_branch_that_somebody_deleted(lab: Workspace) -> None:
    git(lab.remote("apps"), "branch", "other", "main")
    git(lab.remote("apps"), "update-ref", "-d", "refs/heads/main")
    do(commands(advice(lab.push, "Find out who did it, and why. To have"))[0], lab.root)
    succeeds(lab)


def test_a_repository_that_lies_on_another_machine(lab: Workspace) -> None:
    lab.push("second")
    away = dataclasses.replace(lab.target("infra"), path=lab.root / "my second" / "infra")
    ready = partial(remotes_ready, [away])
    do(commands(advice(ready, "Clone it there"))[0], lab.root)
    ready()


def test_a_remote_that_holds_something_else(lab: Workspace) -> None:
    other = lab.root / "other"
    git(lab.root, "init", "--quiet", "--initial-branch=main", "other")
    (other / "main.go").write_text("package main\n")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message=theirs")
    used = make_remote(lab.root / "remotes" / "used.git")
    git(other, "push", "--quiet", str(used), "main")
    new = dataclasses.replace(lab.target("infra"), path=lab.root / "new" / "infra", url=str(used))
    advice(partial(remotes_ready, [new]), "Make an empty repository beside it")
    empty = make_remote(lab.root / "remotes" / "NAME.git")
    remotes_ready([dataclasses.replace(new, url=str(empty))])


def test_a_server_that_declines_a_branch(lab: Workspace) -> None:
    hook(lab.remote("argocd"), "pre-receive", "echo only maintainers may; exit 1")
    advice(lab.push, "Allow this account to make branches fmc-run-*, or correct what the server names")
    hook(lab.remote("argocd"), "pre-receive", "exit 0")
    succeeds(lab)


@pytest.mark.parametrize("way", ["merge request", "permission"])
def test_a_protected_branch(lab: Workspace, way: str) -> None:
    hook(lab.remote("apps"), "update", PROTECT)
    fix = advice(lab.push, "If the branch is protected, open a merge request from")
    hook(lab.remote("apps"), "update", "exit 0")
    if way == "merge request":
        offered = fix.split(" from ")[1].split(" into ")[0]
        clone = lab.root / "forge"
        git(lab.root, "clone", "--quiet", str(lab.remote("apps")), str(clone))
        git(clone, "merge", "--quiet", "--no-ff", "--message=Merge request 1", f"origin/{offered}")
        git(clone, "push", "--quiet")
    succeeds(lab)


def test_a_server_that_takes_an_update_back(lab: Workspace) -> None:
    before = lab.remote_heads()
    hook(lab.remote("infra"), "post-receive", f"git update-ref refs/heads/main {before['infra']}")
    advice(lab.push, "Find out who else writes to the branch")
    hook(lab.remote("infra"), "post-receive", "exit 0")
    succeeds(lab)


def test_a_branch_that_moves_at_the_same_moment(lab: Workspace) -> None:
    seen = lab.remote_heads()["infra"]
    lab.push("second")
    lab.edit("infra", "third.md")
    lab.commit()
    script = f"unset $(git rev-parse --local-env-vars); git -C '{lab.remote('infra')}' update-ref refs/heads/main"
    hook(lab.target("infra").path, "pre-push", f"grep -q refs/heads/main && {script} {seen}; exit 0")
    advice(partial(lab.push, "third"), "Run the same command again")
    hook(lab.target("infra").path, "pre-push", "exit 0")
    # It was set back meanwhile; that is told, with its own way out, and the same command goes on then.
    do(commands(advice(partial(lab.push, "third"), "Find out who did it"))[1], lab.root)
    succeeds(lab, "third")


def test_a_remote_that_is_missing(lab: Workspace) -> None:
    shutil.rmtree(lab.remote("apps"))
    for attempt in (lab.push, partial(remotes_ready, lab.targets)):
        create = commands(advice(attempt, "Create it, empty, without a README"))[0]
    do(create, lab.root)
    succeeds(lab)


def test_somebody_commits_while_fmc_is_at_work(lab: Workspace, tmp_path: Path) -> None:
    from generator.delivery.local.replace import replace_trees
    from tests.delivery.workspace import merged

    target = lab.target("infra")
    staging = tmp_path / "second"
    shutil.copytree(target.path, staging, ignore=shutil.ignore_patterns(".git"))
    (staging / "kept").write_text("rendered\n")
    staged = merged([(target, staging)])
    lab.edit("infra", "meanwhile.md")
    lab.commit()
    replace: Callable[[], object] = partial(
        replace_trees, staged, author=None, messages={"infra": "feat: again"}, run_id="20260102T000000Z"
    )
    advice(replace, "Run the same command again")
    rendered_again((target, staging))
    assert (target.path / "meanwhile.md").exists()
    assert (target.path / "kept").exists()


def test_several_repositories_at_once(lab: Workspace) -> None:
    """Each of the remedies of a combined error stands on a line of its own."""
    for part in ("infra", "apps"):
        git(colleague(lab, part), "push", "--quiet")
    for command in commands(advice(lab.push)):
        do(command, lab.root)
    succeeds(lab)


def test_git_says_something_that_nobody_knows(lab: Workspace) -> None:
    config = lab.remote("apps") / "config"
    whole = config.read_text()
    config.write_text("[core\n")
    with pytest.raises(RemoteError, match="bad config line 1") as caught:
        lab.push()
    assert "Correct what it names" in (caught.value.fix or "")
    config.write_text(whole)
    succeeds(lab)
