"""The push protocol against bare repositories: its order, its leases, and that it reports what the remotes say."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.delivery.push import push
from generator.delivery.remote.ready import remotes_ready
from generator.delivery.state import RunReference, StateFile
from generator.errors import BadInputError, ConflictError, RemoteError
from tests.delivery.processes import counting_git
from tests.delivery.workspace import PARTS, RUN, Workspace, git, hook, make_remote

RUN_BRANCH = f"refs/heads/fmc-run-{RUN}"
OUTSIDE = f"refs/fmc/{RUN}"


def record_updates(workspace: Workspace) -> Path:
    """Let every remote note which references are changed; return the file of notes."""
    notes = workspace.root / "updates"
    for part in PARTS:
        script = f"while read old new name; do echo {part} $name $new >> {notes}; done"
        hook(workspace.remote(part), "post-receive", script)
    return notes


def updates(notes: Path) -> list[tuple[str, str, str]]:
    """Return part, reference, and whether it was set or deleted."""
    lines = [line.split(" ") for line in notes.read_text().splitlines()]
    return [(part, name, "deleted" if set(new) == {"0"} else "set") for part, name, new in lines]


def colleague(workspace: Workspace, part: str) -> Path:
    """Clone a remote and commit something there."""
    clone = workspace.root / "colleague" / part
    git(workspace.root, "clone", "--quiet", str(workspace.remote(part)), str(clone))
    (clone / "theirs.md").write_text("theirs\n")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message=theirs")
    return clone


def test_every_remote_has_its_commit_and_nothing_else(workspace: Workspace) -> None:
    workspace.commit()
    delivered = workspace.push()
    heads = workspace.heads()
    assert [(one.part, one.commit, one.remote_sha, one.changed) for one in delivered] == [
        (part, heads[part], heads[part], True) for part in PARTS
    ]
    assert workspace.remote_heads() == heads
    for part in PARTS:
        assert git(workspace.remote(part), "for-each-ref", "--format=%(refname)") == "refs/heads/main"
        assert git(workspace.target(part).path, "status", "--branch", "--porcelain") == "## main...origin/main"


def test_all_run_branches_come_first_and_argocd_comes_last(delivered: Workspace) -> None:
    notes = record_updates(delivered)
    delivered.push()
    order = updates(notes)
    assert sorted(order[:3]) == sorted((part, RUN_BRANCH, "set") for part in PARTS)
    moved = [(part, name, what) for part, name, what in order[3:] if name == "refs/heads/main"]
    assert sorted(moved[:2]) == [(part, "refs/heads/main", "set") for part in ("apps", "infra")]
    assert moved[2:] == [("argocd", "refs/heads/main", "set")]
    assert sorted(order[-2:]) == [("argocd", RUN_BRANCH, "deleted"), ("argocd", "refs/heads/main", "set")]


def test_the_first_branch_of_an_empty_remote_is_the_right_one(workspace: Workspace) -> None:
    """A forge makes the first branch that it sees the default branch, and keeps it."""
    notes = record_updates(workspace)
    workspace.commit()
    workspace.push()
    order = updates(notes)
    assert sorted(order[:3]) == sorted((part, OUTSIDE, "set") for part in PARTS)
    assert {name for _, name, _ in order if name.startswith("refs/heads/")} == {"refs/heads/main"}
    assert {name for part, name, what in order if what == "deleted"} == {OUTSIDE}


def test_a_server_that_takes_branches_alone_gets_a_branch(workspace: Workspace) -> None:
    for part in PARTS:
        hook(workspace.remote(part), "update", 'case "$1" in refs/heads/*) ;; *) echo branches only; exit 1 ;; esac')
    workspace.commit()
    workspace.push()
    assert workspace.remote_heads() == workspace.heads()
    assert workspace.run_branches() == []


def test_nothing_moves_if_one_remote_declines_its_run_branch(delivered: Workspace) -> None:
    before = delivered.remote_heads()
    hook(delivered.remote("argocd"), "pre-receive", "echo 'quota exceeded'; exit 1")
    with pytest.raises(RemoteError, match="quota exceeded") as caught:
        delivered.push()
    assert caught.value.exit_code == 4
    assert delivered.remote_heads() == before
    assert sorted(delivered.run_branches()) == [f"apps:fmc-run-{RUN}", f"infra:fmc-run-{RUN}"]


def test_a_declined_push_is_resumed_when_the_reason_is_gone(delivered: Workspace) -> None:
    hook(delivered.remote("argocd"), "pre-receive", "exit 1")
    with pytest.raises(RemoteError):
        delivered.push()
    assert delivered.state.unfinished_run() == RUN
    hook(delivered.remote("argocd"), "pre-receive", "exit 0")
    assert all(one.changed for one in delivered.push(RUN))
    assert delivered.remote_heads() == delivered.heads()
    assert delivered.run_branches() == []
    assert delivered.state.unfinished_run() is None


PROTECT = 'case "$1" in refs/heads/main) echo "GH006: Protected branch"; exit 1 ;; esac'


def test_a_protected_branch_stops_the_rest_and_leaves_run_branches_for_merge_requests(delivered: Workspace) -> None:
    before = delivered.remote_heads()
    hook(delivered.remote("apps"), "update", PROTECT)
    with pytest.raises(RemoteError, match="GH006: Protected branch") as caught:
        delivered.push()
    assert f"merge request from fmc-run-{RUN} into main" in (caught.value.fix or "")
    now, heads = delivered.remote_heads(), delivered.heads()
    assert now == {"infra": heads["infra"], "apps": before["apps"], "argocd": before["argocd"]}
    assert sorted(delivered.run_branches()) == [f"apps:fmc-run-{RUN}", f"argocd:fmc-run-{RUN}"]
    state = delivered.state.read()
    assert state is not None
    assert not state.finished
    assert {url: one.commit for (url, _), one in state.seen.items()} == {
        delivered.target(part).url: commit for part, commit in now.items()
    }
    assert not any("apps: pushed" in line or "argocd: pushed" in line for line in delivered.heard)


def test_all_protected_branches_are_told_at_once(delivered: Workspace) -> None:
    for part in PARTS:
        hook(delivered.remote(part), "update", PROTECT)
    with pytest.raises(RemoteError, match="2 repositories can't be delivered") as caught:
        delivered.push()
    for part in ("infra", "apps"):
        assert f"{part}.git declined to move its branch main" in caught.value.message
    assert len(delivered.run_branches()) == len(PARTS)


def test_a_merged_merge_request_counts_as_delivered(delivered: Workspace) -> None:
    hook(delivered.remote("apps"), "update", PROTECT)
    with pytest.raises(RemoteError):
        delivered.push()
    clone = delivered.root / "forge"
    git(delivered.root, "clone", "--quiet", str(delivered.remote("apps")), str(clone))
    git(clone, "merge", "--quiet", "--no-ff", "--message=Merge request 1", f"origin/fmc-run-{RUN}")
    hook(delivered.remote("apps"), "update", "exit 0")
    git(clone, "push", "--quiet")
    result = delivered.push(RUN)
    assert [one.changed for one in result] == [True, True, True]
    assert result[1].remote_sha == git(clone, "rev-parse", "HEAD") != result[1].commit
    assert delivered.run_branches() == []


def test_an_empty_remote_whose_branch_is_protected_is_said_without_a_merge_request(workspace: Workspace) -> None:
    hook(workspace.remote("infra"), "update", PROTECT)
    workspace.commit()
    with pytest.raises(RemoteError, match="GH006") as caught:
        workspace.push()
    assert "merge request" not in (caught.value.fix or "")
    assert workspace.remote_heads().keys() == {"apps"}


def test_what_the_server_says_is_shown_without_control_characters(delivered: Workspace) -> None:
    hook(delivered.remote("infra"), "pre-receive", r"printf 'no \033]0;title\007\033[31mred\033[0m\n' >&2; exit 1")
    with pytest.raises(RemoteError) as caught:
        delivered.push()
    assert "no red" in caught.value.message
    assert caught.value.message.replace("\n", "").isprintable()


@pytest.mark.parametrize("setting", ["receive.advertiseAtomic=false", "receive.denyDeletes=true"])
def test_servers_without_atomic_pushes_or_deletions_get_the_commit(delivered: Workspace, setting: str) -> None:
    git(delivered.remote("apps"), "config", *setting.split("="))
    delivered.push()
    assert delivered.remote_heads() == delivered.heads()
    kept = [f"apps:fmc-run-{RUN}"] if "deny" in setting else []
    assert delivered.run_branches() == kept
    assert any("stays on" in line for line in delivered.heard) == bool(kept)


def test_a_run_branch_that_had_to_stay_is_deleted_when_it_may_be(delivered: Workspace) -> None:
    git(delivered.remote("apps"), "config", "receive.denyDeletes", "true")
    delivered.push()
    state = delivered.state.read()
    assert state is not None
    assert state.made == [RunReference(delivered.target("apps").url, RUN_BRANCH, delivered.heads()["apps"])]
    git(delivered.remote("apps"), "config", "receive.denyDeletes", "false")
    assert not any(one.changed for one in delivered.push("another"))
    assert delivered.run_branches() == []


@pytest.mark.parametrize("name", ["gitops/theirs", "gitops", "fmc-run-theirs", "fmc", "fmc-run", "fmc/run"])
def test_branches_of_other_people_stay_and_block_nothing(delivered: Workspace, name: str) -> None:
    """Faults A1: a branch of the right name, without a commit of its own, was deleted; `gitops` blocked every push."""
    tip = delivered.remote_heads()["apps"]
    git(delivered.remote("apps"), "update-ref", f"refs/heads/{name}", tip)
    delivered.push()
    assert delivered.branches("apps") == {"main": delivered.heads()["apps"], name: tip}
    assert delivered.remote_heads() == delivered.heads()


@pytest.mark.parametrize("name", ["gitops/prod", "fmc-run-prod"])
def test_the_delivered_branch_is_never_taken_for_a_run_branch(workspace: Workspace, name: str) -> None:
    """Faults A1: with such a git_branch the clean-up deleted what had just been delivered."""
    for part in PARTS:
        git(workspace.remote(part), "symbolic-ref", "HEAD", "refs/heads/main")
    workspace.targets = [dataclasses.replace(target, branch=name) for target in workspace.targets]
    workspace.commit()
    reported = {one.part: one.remote_sha for one in workspace.push()}
    assert {part: workspace.branches(part) for part in PARTS} == {part: {name: reported[part]} for part in PARTS}
    assert not any(one.changed for one in workspace.push("another"))


def test_a_branch_of_the_runs_own_name_at_another_commit_is_left_alone(delivered: Workspace) -> None:
    """Faults A1: the record decides, and it names the commit as well."""
    hook(delivered.remote("argocd"), "update", "exit 1")
    with pytest.raises(RemoteError):
        delivered.push()
    theirs = delivered.remote_heads()["apps"]
    git(delivered.remote("apps"), "update-ref", RUN_BRANCH, theirs)
    hook(delivered.remote("argocd"), "update", "exit 0")
    delivered.push("another")
    assert delivered.branches("apps") == {"main": delivered.heads()["apps"], f"fmc-run-{RUN}": theirs}


def test_a_branch_that_leaves_no_room_for_ours_is_said_before_anything_is_sent(delivered: Workspace) -> None:
    """Faults A1: Git keeps no branch `main` beside `main/eu`."""
    git(delivered.remote("apps"), "update-ref", "refs/heads/main2/eu", "main")
    delivered.targets = [dataclasses.replace(target, branch="main2") for target in delivered.targets]
    for target in delivered.targets:
        git(target.path, "switch", "--quiet", "--create", "main2")
    notes = record_updates(delivered)
    with pytest.raises(ConflictError, match="has a branch main2/eu, and Git keeps no branch main2 beside it"):
        delivered.push()
    assert not notes.exists()
    git(delivered.remote("apps"), "branch", "--move", "main2/eu", "eu")
    delivered.push()
    assert delivered.branches("apps")["main2"] == delivered.heads()["apps"]


def test_what_is_reported_was_answered_after_the_last_deletion(
    delivered: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults A1: the remotes had been asked, and only then was something deleted there."""
    git(delivered.remote("apps"), "config", "receive.denyDeletes", "true")
    delivered.push()
    git(delivered.remote("apps"), "config", "receive.denyDeletes", "false")
    steps = counting_git(tmp_path / "counting")
    monkeypatch.setenv("PATH", str(tmp_path / "counting" / "bin"), prepend=os.pathsep)
    delivered.push("another")
    order = [note.read_text().split(" ")[0] for note in sorted(steps.iterdir(), key=lambda note: int(note.name))]
    assert order.count("push") == 1
    assert order[order.index("push") :].count("ls-remote") == len(PARTS)


# Faults E15: what fmc delivered, and somebody took back.


def set_back(workspace: Workspace, part: str) -> tuple[str, str]:
    """Take the last commit of a delivered workspace back on a remote; return where the branch was and is."""
    was, now = (git(workspace.remote(part), "rev-parse", name) for name in ("main", "main~1"))
    git(workspace.remote(part), "update-ref", "refs/heads/main", now)
    return was, now


@pytest.mark.parametrize("remedy", ["here, too", "back there"])
def test_a_remote_that_was_set_back_is_not_moved_forward_silently(delivered: Workspace, remedy: str) -> None:
    delivered.push()
    was, now = set_back(delivered, "apps")
    with pytest.raises(ConflictError, match=f"was set back by force, from {was[:12]} to {now[:12]}") as caught:
        delivered.push("another")
    assert delivered.remote_heads()["apps"] == now
    follow(caught.value, remedy)
    delivered.push("another")
    assert delivered.remote_heads()["apps"] == (now if remedy == "here, too" else was)
    delivered.edit("apps", "more.md")
    delivered.commit()
    delivered.push("third")
    assert delivered.remote_heads() == delivered.heads()


def follow(error: ConflictError, words: str) -> None:
    """Run the command of a remedy that follows some words in it."""
    command = (error.fix or "").partition(words)[2].split("`")[1]
    subprocess.run(shlex.split(command), check=True, capture_output=True)


def test_a_branch_that_was_deleted_is_not_made_again_silently(delivered: Workspace) -> None:
    delivered.push()
    git(delivered.remote("apps"), "update-ref", "refs/heads/other", "main")
    git(delivered.remote("apps"), "update-ref", "-d", "refs/heads/main")
    with pytest.raises(ConflictError, match="was deleted there") as caught:
        delivered.push("another")
    follow(caught.value, "there again")
    delivered.push("another")
    assert delivered.remote_heads() == delivered.heads()


def test_a_remote_that_was_made_anew_is_filled_again(delivered: Workspace) -> None:
    delivered.push()
    shutil.rmtree(delivered.remote("apps"))
    make_remote(delivered.remote("apps"))
    assert [one.changed for one in delivered.push("another")] == [False, True, False]
    assert delivered.remote_heads() == delivered.heads()


def test_what_is_taken_back_on_both_sides_is_no_conflict(delivered: Workspace) -> None:
    delivered.push()
    _, now = set_back(delivered, "apps")
    git(delivered.target("apps").path, "reset", "--quiet", "--hard", now)
    delivered.edit("apps", "instead.md")
    delivered.commit()
    delivered.push("another")
    assert delivered.remote_heads() == delivered.heads()


def test_a_second_push_changes_nothing_and_says_so(workspace: Workspace) -> None:
    workspace.commit()
    workspace.push()
    notes = record_updates(workspace)
    written = workspace.state.path.stat().st_mtime_ns
    workspace.heard.clear()
    again = workspace.push("another")
    assert [(one.changed, one.remote_sha) for one in again] == [(False, sha) for sha in workspace.heads().values()]
    assert not notes.exists()
    assert workspace.state.path.stat().st_mtime_ns == written
    assert [line.split(" ")[-1] for line in workspace.heard] == ["already"] * 3


def test_only_what_is_new_is_pushed(workspace: Workspace) -> None:
    workspace.commit()
    workspace.push()
    workspace.edit("apps")
    workspace.commit()
    notes = record_updates(workspace)
    assert [one.changed for one in workspace.push("another")] == [False, True, False]
    assert {part for part, _, _ in updates(notes)} == {"apps"}


# Promise 6: nothing is reported pushed that is not on the remote.


@pytest.mark.parametrize("part", PARTS)
def test_an_update_that_the_server_takes_back_is_not_reported_pushed(delivered: Workspace, part: str) -> None:
    before = delivered.remote_heads()
    hook(delivered.remote(part), "post-receive", f"git update-ref refs/heads/main {before[part]}")
    with pytest.raises(RemoteError, match=f"main of .*{part}.* doesn't have .* after the push; it is at"):
        delivered.push()
    assert delivered.remote_heads()[part] == before[part]
    assert not any(line.startswith(f"{part}: pushed") for line in delivered.heard)
    state = delivered.state.read()
    assert state is not None
    assert not state.finished
    assert state.seen[delivered.target(part).url, "main"].commit == before[part]
    # The cluster must not see argocd without the others.
    assert delivered.remote_heads()["argocd"] == before["argocd"]


def test_a_first_push_that_the_server_drops_is_not_reported_pushed(workspace: Workspace) -> None:
    workspace.commit()
    hook(workspace.remote("infra"), "post-receive", "git update-ref -d refs/heads/main")
    with pytest.raises(RemoteError, match="there is no such branch"):
        workspace.push()
    hook(workspace.remote("infra"), "post-receive", "exit 0")
    workspace.push()
    assert workspace.remote_heads() == workspace.heads()


def test_the_answer_of_the_remote_is_shown(delivered: Workspace) -> None:
    delivered.push()
    heads = delivered.heads()
    told = [
        f"{part}: pushed {heads[part][:12]}; asked again, main of {delivered.target(part).url} has it" for part in PARTS
    ]
    assert sorted(delivered.heard[:2]) == sorted(told[:2])
    assert delivered.heard[2:] == told[2:]


def test_a_commit_on_top_of_ours_counts_and_is_shown(delivered: Workspace) -> None:
    script = "git update-ref refs/heads/main $(git commit-tree -p main -m robot main^{tree})"
    hook(delivered.remote("apps"), "post-receive", f"grep -q refs/heads/main && {script}")
    result = delivered.push()
    assert result[1].remote_sha == delivered.remote_heads()["apps"] != result[1].commit
    assert result[1].changed


# No commit is lost under concurrent writers.


def test_a_remote_that_moved_on_is_left_alone(delivered: Workspace) -> None:
    clone = colleague(delivered, "apps")
    git(clone, "push", "--quiet")
    theirs, notes = git(clone, "rev-parse", "HEAD"), record_updates(delivered)
    with pytest.raises(ConflictError, match=r"main of .* moved on") as caught:
        delivered.push()
    assert caught.value.exit_code == 3
    assert f"pull --rebase origin {delivered.target('apps').branch}" in (caught.value.fix or "")
    assert delivered.remote_heads()["apps"] == theirs
    assert not notes.exists()

    git(delivered.target("apps").path, "pull", "--quiet", "--rebase", "origin", "main")
    delivered.push()
    assert git(delivered.remote("apps"), "rev-list", "main").splitlines()[1] == theirs


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_commit_pushed_between_asking_and_pushing_is_not_lost(delivered: Workspace, asked_before: bool) -> None:
    clone = colleague(delivered, "argocd")
    script = (
        f"grep -q refs/heads/main && unset $(git rev-parse --local-env-vars) && cd {clone} && git push --quiet; exit 0"
    )
    answers = remotes_ready(delivered.targets) if asked_before else ()
    hook(delivered.target("argocd").path, "pre-push", script)
    with pytest.raises(ConflictError, match=r"main of .*argocd.* moved on"):
        push(delivered.targets, state=delivered.state, run_id=RUN, progress=delivered.heard.append, answers=answers)
    assert delivered.remote_heads()["argocd"] == git(clone, "rev-parse", "HEAD")
    assert not any(line.startswith("argocd: pushed") for line in delivered.heard)


def test_a_branch_that_was_moved_back_meanwhile_is_not_overwritten(delivered: Workspace) -> None:
    """The lease is on what was seen: even a tip that could be fast-forwarded is left alone if it is another one."""
    seen = delivered.remote_heads()["infra"]
    delivered.push("second")
    delivered.edit("infra", "third.md")
    delivered.commit()
    script = f"unset $(git rev-parse --local-env-vars); git -C {delivered.remote('infra')} update-ref refs/heads/main"
    hook(delivered.target("infra").path, "pre-push", f"grep -q refs/heads/main && {script} {seen}; exit 0")
    with pytest.raises(ConflictError, match=r"somebody else changed main of .* at this very moment"):
        delivered.push("third")
    assert delivered.remote_heads()["infra"] == seen


def test_another_history_is_not_overwritten(workspace: Workspace) -> None:
    other = workspace.root / "other"
    git(workspace.root, "init", "--quiet", "--initial-branch=main", "other")
    git(other, "commit", "--quiet", "--allow-empty", "--message=theirs")
    git(other, "push", "--quiet", str(workspace.remote("infra")), "main")
    workspace.commit()
    with pytest.raises(ConflictError, match="holds another history"):
        workspace.push()
    assert workspace.remote_heads() == {"infra": git(other, "rev-parse", "HEAD")}


def test_all_conflicts_are_told_at_once(delivered: Workspace) -> None:
    for part in ("infra", "apps"):
        git(colleague(delivered, part), "push", "--quiet")
    with pytest.raises(ConflictError) as caught:
        delivered.push()
    assert "2 repositories can't be delivered" in caught.value.message
    for part in ("infra", "apps"):
        assert f"pull --rebase origin {delivered.target(part).branch}" in (caught.value.fix or "")


# What stands in the way before anything is sent.


def test_answers_of_the_same_command_spare_asking_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.commit()
    answers = remotes_ready(workspace.targets)
    steps = counting_git(tmp_path / "counting")
    monkeypatch.setenv("PATH", str(tmp_path / "counting" / "bin"), prepend=os.pathsep)
    push(workspace.targets, state=workspace.state, run_id=RUN, progress=workspace.heard.append, answers=answers)
    commands = [note.read_text().split(" ")[0] for note in steps.iterdir()]
    # Two before Argo CD's repository may move, and all of them at the end.
    assert commands.count("ls-remote") == 2 * len(PARTS)
    assert commands.count("push") == 2 * len(PARTS)
    assert workspace.remote_heads() == workspace.heads()


def test_uncommitted_changes_are_not_passed_over(delivered: Workspace) -> None:
    delivered.edit("apps", "README.md", "unfinished\n")
    with pytest.raises(BadInputError, match=r"not committed: README\.md"):
        delivered.push()


def test_a_repository_without_a_commit_is_refused(workspace: Workspace) -> None:
    workspace.commit()
    git(workspace.target("apps").path, "update-ref", "-d", "HEAD")
    git(workspace.target("apps").path, "rm", "--quiet", "-r", "--cached", ".")
    for file in workspace.target("apps").path.rglob("*"):
        if file.is_file() and ".git" not in file.parts:
            file.unlink()
    with pytest.raises(BadInputError, match="has no commit yet"):
        workspace.push()


@pytest.mark.parametrize("run_id", ["", "../x", "a b", "x.lock", "-x", "x..y"])
def test_a_run_id_that_is_no_branch_name_is_refused(workspace: Workspace, run_id: str) -> None:
    with pytest.raises(BadInputError, match="id of a run"):
        workspace.push(run_id)


def test_a_state_file_of_another_kind_is_refused(workspace: Workspace) -> None:
    workspace.commit()
    workspace.state.path.parent.mkdir()
    wrong = '{"version": 2, "run": [], "finished": true, "needed": {}, "made": [], "seen": []}'
    for content in ("", "[]", '{"version": 99}', '{"version": 2, "run": "x"}', wrong, "[" * 100_000):
        workspace.state.path.write_text(content)
        with pytest.raises(BadInputError, match=r"state file .* can't be read"):
            workspace.push()
    assert workspace.remote_heads() == {}


def test_a_remote_in_another_workspace_keeps_its_own_state(delivered: Workspace) -> None:
    delivered.push()
    elsewhere = StateFile(delivered.root / "elsewhere" / "state.json")
    again = push(delivered.targets, state=elsewhere, run_id="x", progress=delivered.heard.append)
    assert not any(one.changed for one in again)
    assert elsewhere.read() is not None


def test_remotes_with_commits_need_the_repository_that_they_belong_to(delivered: Workspace) -> None:
    delivered.push()
    away = [dataclasses.replace(target, path=delivered.root / "new" / target.part) for target in delivered.targets]
    with pytest.raises(ConflictError, match="would not contain its commits") as caught:
        remotes_ready(away)
    assert f"git clone {away[0].url} {away[0].path}" in (caught.value.fix or "")
    assert [one.tip for one in remotes_ready(delivered.targets)] == list(delivered.heads().values())
