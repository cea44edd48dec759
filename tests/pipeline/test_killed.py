"""Killed at any step, the same command run again completes, with the same result as if nothing had happened."""

from __future__ import annotations

import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from generator.workspace import PARTS
from tests.pipeline import kill_driver
from tests.pipeline.world import EXAMPLE, Finished, World, answers, tree

FirstRun = tuple[World, Finished]

# Moments of `fmc new --push` in an empty workspace: those that make the secrets, and all others, in their order.
MAKING_SECRETS = ["rename recovery-identity.txt 1", "rename vault.age 1", "rename sealing-cert.pem 1"]
FIRST_RUN = [
    "git ls-remote 1",
    "rename hello-users.sealed.yaml 2",
    "git init 1",
    "git add 2",
    "git commit 1",
    "git commit 3",
    "rename infra 1",
    "rename argocd 1",
    "rename answers.json 1",
    "rename answers.yaml 1",
    "rename state.json 1",
    "git push 1",
    "git push 3",
    "git push 4",
    "git push 6",
    "rename state.json 4",
    "remove staging 2",
]
# Those of a run with changed answers that differ from the ones above.
CHANGED_RUN = ["git commit 1", "git commit 3", "git restore 1", "rename index 1", "remove fmc-replacement 2"]
# Acts before which a kill finds the same as before one of those above: reading, and more of the same kind.
ALIKE = {
    # Copier's import asks the system for its name.
    "uname",
    *("git describe", "git version", "git var", "git config", "git write-tree", "git rev-list", "git cat-file"),
    *("git rev-parse", "git log", "git ls-tree", "git merge-base", "git diff-index", "git status"),
    # In an index of fmc's own, before anything is committed.
    *("git read-tree", "git rm"),
    *("rename identity.txt", "rename argocd-secret.sealed.yaml", "rename traefik-dashboard-auth.sealed.yaml"),
    *("rename wildcard-tls.sealed.yaml", "rename note.json", "rename apps"),
}


def killed_at(world: World, moment: str, given: Path = EXAMPLE) -> None:
    """Run `fmc new --push` until it is killed, and look at what nobody may find half-made even then."""
    done = drive(world, moment, given)
    assert done.code == -signal.SIGKILL, f"{moment} never came: {done.err}"
    world.require_presentable(done)
    for part in PARTS:
        if (world.workspace / part).exists():
            assert world.git("log", "--format=%s", cwd=world.workspace / part)
    tips = world.tips()
    assert "argocd" not in tips or tips.keys() == set(PARTS)
    if world.vault.exists():
        # Opening it fails if it is damaged.
        assert len(world.needles()) > 0


def drive(world: World, moment: str, given: Path = EXAMPLE) -> Finished:
    record = world.folder / "acts"
    record.unlink(missing_ok=True)
    driver = (sys.executable, kill_driver.__file__, str(record), moment)
    return world.run(*driver, *world.command_new(given), "--push")


def assert_whole(world: World, commits: int = 1) -> None:
    """Assert that the remotes have what the workspace has, and that nothing else is left anywhere."""
    assert world.published() == world.local()
    assert world.local().keys() == set(PARTS)
    for part in PARTS:
        assert world.git("for-each-ref", "--format=%(refname)", cwd=world.remote(part)) == "refs/heads/main"
        assert world.git("rev-list", "--count", "main", cwd=world.remote(part)) == str(commits)
        assert world.git("status", "--porcelain", "--ignored", cwd=world.workspace / part) == ""
    assert {path.name for path in world.workspace.iterdir()} == {*PARTS, ".fmc", "answers.yaml", "vault.age"}
    assert {path.name for path in (world.workspace / ".fmc").iterdir()} == {"state.json", "answers.json"}
    assert len(world.needles()) > 0


def with_vault_of(other: World, folder: Path) -> World:
    """Return a new machine that has vault and identities of another one, and nothing else."""
    world = World(folder).make()
    shutil.copytree(other.home, world.home, dirs_exist_ok=True)
    world.workspace.mkdir()
    shutil.copy(other.vault, world.vault)
    return world


@pytest.mark.parametrize("moment", FIRST_RUN)
def test_a_first_run_is_completed(first_run: FirstRun, tmp_path: Path, moment: str) -> None:
    never_killed, _ = first_run
    world = with_vault_of(never_killed, tmp_path / "world")
    killed_at(world, moment)
    done = world.new("--push")
    assert done.code == 0, done.err
    assert_whole(world)
    assert world.published() == never_killed.published()


@pytest.mark.parametrize("moment", MAKING_SECRETS)
def test_a_first_run_that_makes_the_vault_is_completed(tmp_path: Path, moment: str) -> None:
    world = World(tmp_path / "world").make()
    killed_at(world, moment)
    done = world.new("--push")
    assert done.code == 0, done.err
    assert_whole(world)
    never_killed = with_vault_of(world, tmp_path / "never-killed")
    assert never_killed.new("--push").code == 0
    assert world.published() == never_killed.published()


@pytest.fixture(scope="session")
def changed_run(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """A machine on which a second run with changed answers was never killed, and those answers."""
    folder = tmp_path_factory.mktemp("changed")
    world = first_run[0].copy(folder / "world")
    changed = answers(folder, timezone="Europe/Paris", email="new@example.com", components="[traefik]")
    assert world.new("--push", answers=changed).code == 0
    return world, changed


@pytest.mark.parametrize("moment", CHANGED_RUN)
def test_a_run_with_changed_answers_is_completed(changed_run: tuple[World, Path], pushed: World, moment: str) -> None:
    never_killed, changed = changed_run
    killed_at(pushed, moment, changed)
    done = pushed.new("--push", answers=changed)
    assert done.code == 0, done.err
    assert_whole(pushed, commits=2)
    assert pushed.published() == never_killed.published()


@pytest.mark.parametrize("again", [["Europe/Paris", "Europe/Rome"], ["Europe/Rome"]], ids=["the-same", "others"])
@pytest.mark.parametrize("moment", ["git update-ref 1", "git commit 1", "git restore 1"])
def test_a_run_that_merges_edits_of_a_person_is_completed(pushed: World, moment: str, again: list[str]) -> None:
    """What was rendered is kept beside what is committed; no kill makes the edit a conflict, or loses it."""
    readme = (pushed.workspace / "infra" / "README.md").read_text()
    pushed.commit("infra", {"README.md": f"Mine.\n\n{readme}"})
    killed_at(pushed, moment, answers(pushed.folder, timezone="Europe/Paris", email="new@example.com"))
    for timezone in again:
        done = pushed.new("--push", answers=answers(pushed.folder, timezone=timezone, email="new@example.com"))
        assert done.code == 0, done.err
    assert pushed.published() == pushed.local()
    assert pushed.local()["infra"]["README.md"].startswith(b"Mine.\n\n")
    assert b"Europe/Rome" in pushed.local()["infra"][".copier-answers.yml"]
    assert pushed.git("status", "--porcelain", cwd=pushed.workspace / "infra") == ""


def test_killed_again_and_again_it_gets_there(first_run: FirstRun, tmp_path: Path) -> None:
    never_killed, _ = first_run
    world = with_vault_of(never_killed, tmp_path / "world")
    for moment in ("git commit 2", "rename apps 1", "git push 2", "git push 2", "rename state.json 2"):
        killed_at(world, moment)
    assert world.new("--push").code == 0
    assert_whole(world)
    assert world.published() == never_killed.published()


@pytest.mark.parametrize(
    ("machine", "zone", "moments"),
    [("world", "Europe/Madrid", [*MAKING_SECRETS, *FIRST_RUN]), ("pushed", "Europe/Paris", CHANGED_RUN)],
)
def test_these_moments_are_all_that_there_are(
    request: pytest.FixtureRequest, machine: str, zone: str, moments: list[str]
) -> None:
    world: World = request.getfixturevalue(machine)
    done = drive(world, "", answers(world.folder, timezone=zone))
    assert done.code == 0, done.err
    came = (world.folder / "acts").read_text().splitlines()
    assert set(moments) <= set(came)
    covered = {kind(moment) for moment in (*MAKING_SECRETS, *FIRST_RUN, *CHANGED_RUN)}
    assert {kind(moment) for moment in came} <= covered | ALIKE


def kind(moment: str) -> str:
    return re.sub(r" \d+$", "", moment)


def test_what_a_killed_write_left_behind_is_removed(pushed: World) -> None:
    before = tree(pushed.workspace)
    for name in (
        ".vault.age.abcd1234",
        ".answers.yaml.abcd1234",
        ".fmc/.state.json.abcd1234",
        ".fmc/.answers.json.abcd1234",
        ".fmc/staging/infra/x",
    ):
        (pushed.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (pushed.workspace / name).write_text("half")
    assert pushed.new("--push").code == 0
    assert tree(pushed.workspace) == before
