"""`fmc rotate`: one command from a new value to the remotes, killed or not."""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from generator.secrets.restart_marks import ANNOTATION
from generator.secrets.vault.file import open_vault
from generator.secrets.vault.lineage import INITIAL, PENDING
from tests.pipeline import kill_driver
from tests.pipeline.world import FMC, Finished, World, answers, tree

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.model import Vault

HELLO, TRAEFIK, TOKEN = "hello-production/hello-users", "traefik/traefik-dashboard-auth", "argocd/git-credentials"
DEPLOYMENT = "apps/hello/base/deployment.yaml"
MOMENTS = [
    "rename rotation.json 1",
    "rename vault.age 1",
    "rename hello-users.sealed.yaml 1",
    "rename deployment.yaml 1",
    "git add 1",
    "git commit 1",
    "git commit 2",
    "rename state.json 1",
    "git push 1",
    "git push 4",
    "rename state.json 4",
]


@pytest.fixture(scope="module")
def lab(first_run: tuple[World, Finished], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine with a workload that restarts with a Secret. Look at it, and leave it as it is."""
    world = first_run[0].copy(tmp_path_factory.mktemp("rotate") / "world")
    text = (world.workspace / "apps" / DEPLOYMENT).read_text()
    found = text.index("      labels:", text.index("  template:"))
    mark = f'      annotations:\n        {ANNOTATION}: "{HELLO}={INITIAL}"\n'
    world.commit("apps", {DEPLOYMENT: text[:found] + mark + text[found:]})
    done = world.fmc("push", cwd=world.workspace)
    assert done.code == 0, done.err
    return world


@pytest.fixture
def world(lab: World, tmp_path: Path) -> World:
    return lab.copy(tmp_path / "world")


def vault(world: World) -> Vault:
    return open_vault(world.vault, world.identity, cluster=world.cluster)


def rotate(world: World, *arguments: str, stdin: str = "") -> Finished:
    return world.fmc("rotate", *arguments, cwd=world.workspace, stdin=stdin)


def restart(world: World) -> str:
    """The revision that the workload restarts with, as it is delivered."""
    deployment = yaml.safe_load(world.git("show", f"main:{DEPLOYMENT}", cwd=world.remote("apps")))
    text: str = deployment["spec"]["template"]["metadata"]["annotations"][ANNOTATION]
    return text.removeprefix(f"{HELLO}=")


def count(world: World, part: str) -> int:
    return int(world.git("rev-list", "--count", "main", cwd=world.remote(part)))


def test_a_new_value_is_delivered_and_its_readers_restart(world: World) -> None:
    before, commits = vault(world), count(world, "argocd")
    done = rotate(world, HELLO)
    assert done.code == 0, done.err
    assert f"rotated: {HELLO}: hello" in done.out
    assert re.search(rf"restarts with {HELLO}: .*{DEPLOYMENT}, line \d+", done.out)
    after = vault(world)
    record = after.values[HELLO]["hello"]
    assert record.secret != before.values[HELLO]["hello"].secret
    assert restart(world) == record.revision
    # Nothing else was replaced.
    assert {**after.values, HELLO: {}} == {**before.values, HELLO: {}}
    assert count(world, "argocd") == commits + 1
    for part in ("argocd", "apps"):
        assert world.git("log", "-1", "--format=%s", "main", cwd=world.remote(part)) == f"Rotate {HELLO}"
    assert world.git("diff", "--stat", "main~1", "main", cwd=world.remote("argocd")).count("|") == 1
    assert world.published() == world.local()
    assert {path.name for path in (world.workspace / ".fmc").iterdir()} == {"state.json", "answers.json"}
    check = world.fmc("check", cwd=world.workspace)
    assert (check.code, "secrets/restart" in check.all) == (0, False)


@pytest.fixture(scope="module")
def moments(lab: World, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    world = lab.copy(tmp_path_factory.mktemp("moments") / "world")
    assert drive(world, "").code == 0
    return (world.folder / "acts").read_text().splitlines()


def drive(world: World, moment: str) -> Finished:
    record = world.folder / "acts"
    record.unlink(missing_ok=True)
    return world.run(
        sys.executable, kill_driver.__file__, str(record), moment, "rotate", HELLO, TRAEFIK, cwd=world.workspace
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_run_again_it_rotates_once(world: World, moment: str) -> None:
    before, commits = vault(world), {part: count(world, part) for part in ("argocd", "apps")}
    done = drive(world, moment)
    assert done.code == -signal.SIGKILL, f"{moment} never came: {done.err}"
    world.require_presentable(done)
    again = rotate(world, TRAEFIK, HELLO)
    assert again.code == 0, again.err
    assert ("An interrupted rotation" in again.out) == (moment != MOMENTS[0])
    after = vault(world)
    for secret, name in ((HELLO, "hello"), (TRAEFIK, "admin")):
        # One generation later, and no more.
        assert after.values[secret][name].ancestors == (before.values[secret][name].revision,)
    assert restart(world) == after.values[HELLO]["hello"].revision
    assert {part: count(world, part) for part in commits} == {part: number + 1 for part, number in commits.items()}
    assert world.published() == world.local()
    assert not (world.workspace / ".fmc" / "rotation.json").exists()


def test_these_moments_all_come(moments: list[str]) -> None:
    assert set(MOMENTS) <= set(moments)
    acts = {re.sub(r" \d+$", "", moment) for moment in moments}
    writing = {act for act in acts if act.startswith("rename ") or act in ("git add", "git commit", "git push")}
    assert writing == {re.sub(r" \d+$", "", moment) for moment in MOMENTS} | {
        "rename traefik-dashboard-auth.sealed.yaml"
    }


def test_what_push_has_delivered_is_no_interrupted_rotation(world: World) -> None:
    assert drive(world, "git push 1").code == -signal.SIGKILL
    assert world.fmc("push", cwd=world.workspace).code == 0
    before = vault(world).values[HELLO]["hello"]
    done = rotate(world, HELLO, TRAEFIK)
    assert (done.code, "interrupted" in done.out) == (0, False)
    assert vault(world).values[HELLO]["hello"].ancestors[0] == before.revision


def test_all_leaves_to_people_what_is_theirs(world: World) -> None:
    done = rotate(world, "--all", "--output", "json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert f"{HELLO}: hello" in document["rotated"]
    assert len(document["rotated"]) == 5
    assert {"secret": TRAEFIK, "readers": ["Middleware/traefik-auth"], "when": "within seconds"} in document["noticed"]
    left = {one["secret"] for one in document["left"]}
    assert left == {"machines/k3s"}
    assert world.published() == world.local()


def test_readers_that_need_no_restart_are_told_of_with_the_time_that_it_takes(world: World) -> None:
    done = rotate(world, TRAEFIK, "argocd/argocd-secret")
    assert done.code == 0, done.err
    assert f"{TRAEFIK} reaches Middleware/traefik-auth within seconds" in done.out.splitlines()
    assert "reaches Deployment/argocd-server at the next log-in; older sessions end" in done.out
    assert "no pod is told to restart" not in done.out


def test_a_token_is_piped_in_and_reaches_the_remote(world: World) -> None:
    refused = rotate(world, TOKEN)
    assert (refused.code, "is issued by somebody else, and no new one was given" in refused.err) == (2, True)
    assert not (world.workspace / ".fmc" / "rotation.json").exists()
    done = rotate(world, TOKEN, stdin="glpat-of-the-forge\n")
    assert done.code == 0, done.err
    shown = world.run(str(FMC), "secret", "show", TOKEN, cwd=world.workspace)
    assert shown.out == "glpat-of-the-forge\n"
    assert b"git-credentials" in world.published()["argocd"]["secrets/argocd/git-credentials.sealed.yaml"]


def test_machines_get_theirs_by_a_playbook_and_nothing_is_pushed(world: World) -> None:
    references, before = world.references(), vault(world)
    done = rotate(world, "machines/k3s")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1].endswith("ansible-playbook playbooks/rotate-token.yml")
    assert "no pod is told to restart" not in done.out
    assert world.references() == references
    assert vault(world).values["machines/k3s"]["token"].ancestors == (before.values["machines/k3s"]["token"].revision,)
    assert not (world.workspace / ".fmc" / "rotation.json").exists()
    assert (world.workspace / "infra" / "ansible" / "playbooks" / "rotate-token.yml").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say what is to be replaced, in one way"),
        (("--all", "--due"), "say what is to be replaced, in one way"),
        ((HELLO, "--older-than", "90d"), "say what is to be replaced, in one way"),
        (("--older-than", "90"), "'90' is no age"),
        (("--all", "--registered"), "--registered is about keys that are named"),
        (("hello-production/hello-user",), "Did you mean hello-production/hello-users?"),
    ],
)
def test_an_order_that_cannot_be_followed_changes_nothing(
    world: World, arguments: tuple[str, ...], message: str
) -> None:
    before = tree(world.folder)
    done = rotate(world, *arguments)
    assert (done.code, message in done.err) == (2, True), done.err
    assert tree(world.folder) == before


def test_work_of_a_person_stops_it_before_anything_is_replaced(world: World) -> None:
    (world.workspace / "argocd" / "notes.md").write_text("Mine.\n")
    before = tree(world.folder)
    done = rotate(world, HELLO)
    assert (done.code, "notes.md for one; nothing was replaced" in done.err) == (2, True)
    assert tree(world.folder) == before


def test_a_value_that_was_set_restarts_its_readers_too(world: World) -> None:
    given = world.fmc("secret", "set", HELLO, cwd=world.workspace, stdin="a-password-of-my-own\n")
    assert given.code == 0
    assert world.fmc("push", cwd=world.workspace).code == 1
    sealed = world.fmc("seal", cwd=world.workspace)
    assert f"restarts with it: apps/{DEPLOYMENT}" in sealed.out.splitlines()
    assert world.fmc("push", cwd=world.workspace).code == 0
    assert restart(world) == vault(world).values[HELLO]["hello"].revision
    assert world.published() == world.local()


def test_a_later_run_of_new_keeps_the_revision(world: World) -> None:
    assert rotate(world, HELLO).code == 0
    revision = restart(world)
    assert world.new("--push", "--set", "timezone=Europe/Paris").code == 0
    assert restart(world) == revision


@pytest.mark.parametrize("way", ["seal", "new"])
def test_a_first_value_that_comes_late_restarts_its_readers_by_git(tmp_path: Path, way: str) -> None:
    """Nobody has to restart them by hand, and they wait for the Secret; until then they run without it."""
    world = World(tmp_path / "world").make()
    given = answers(tmp_path, components="[kured]", kured="{notify: shoutrrr}")
    assert world.new("--push", answers=given).code == 0
    file = "platform/kured/values.yaml"

    def state() -> tuple[str, bool]:
        values = yaml.safe_load(world.git("show", f"main:{file}", cwd=world.remote("argocd")))
        reference = values["extraEnvVars"][1]["valueFrom"]["secretKeyRef"]
        revision = values["podAnnotations"][ANNOTATION].removeprefix("kured/kured-notify=")
        assert reference["key"] == f"kured-notify.{revision}"
        return revision, reference["optional"]

    assert state() == (PENDING, True)
    url = "slack://hook:a-token-of-ours@webhook"
    if way == "new":
        assert world.new("--push", answers=given, env={"FMC_KURED_NOTIFY_URL": url}).code == 0
    else:
        for command, stdin in ((("secret", "set", "kured/kured-notify"), url), (("seal",), ""), (("push",), "")):
            done = world.fmc(*command, cwd=world.workspace, stdin=stdin)
            assert done.code == 0, done.err
    assert state() == (INITIAL, False)
    # The answers that come next leave it so.
    assert world.new("--push", "--set", "timezone=Europe/Paris", answers=given).code == 0
    assert state() == (INITIAL, False)
    check = world.fmc("check", cwd=world.workspace)
    assert (check.code, "secrets/restart" in check.all) == (0, False), check.all


def test_a_certificate_is_renewed_and_delivered(world: World) -> None:
    nothing = world.fmc("renew", cwd=world.workspace)
    assert (nothing.code, nothing.out) == (0, "Nothing to do.\n")
    both = world.fmc("renew", "--all", "traefik/wildcard-tls", cwd=world.workspace)
    assert (both.code, "in one way: names or --all" in both.err) == (2, True)
    done = world.fmc("renew", "traefik/wildcard-tls", cwd=world.workspace)
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "rotated: traefik/wildcard-tls: wildcard"
    assert world.published() == world.local()
