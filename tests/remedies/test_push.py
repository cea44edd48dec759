"""Remedies about what a push meets, followed on real remotes: what is advised is done, and the push succeeds."""

from __future__ import annotations

import dataclasses
import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.delivery.remote.ready import remotes_ready
from generator.errors import RemoteError
from tests.delivery.test_push import PROTECT, colleague
from tests.delivery.workspace import Workspace, git, hook, make_remote, rendered_again
from tests.remedies.pushing import succeeds
from tests.remedies.walk import advice, commands, do

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
