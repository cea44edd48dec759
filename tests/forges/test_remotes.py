"""`fmc remotes` on a real Gitea: what a cluster's repositories need there, made once, checked, and delivered to."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from generator.workspace import PARTS
from tests.e2e.bed.waiting import wait_for
from tests.pipeline.test_remotes import begin
from tests.pipeline.world import World, answers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forges.gitea import Server


HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A machine without remotes of its own."""
    world = World(tmp_path / "world")
    for folder in (world.home, world.folder / "tmp", world.folder / "remotes"):
        folder.mkdir(parents=True)
    return world


def organisation(forge: Server, name: str) -> str:
    forge.api("POST", "/orgs", {"username": name})
    return f"{forge.url}/{name}"


@pytest.mark.tools
def test_the_remotes_of_a_cluster_are_made_once_and_then_delivered_to(forge: Server, world: World) -> None:
    base = organisation(forge, "home")
    given = answers(
        world.folder,
        git_base_url=base,
        forge="{delivery: pull-requests, webhook: argocd, owners: ['@ada', '@home/operators']}",
    )
    token = {"FMC_GIT_TOKEN": forge.token}
    assert world.new(answers=given).code == 0
    owners = (world.workspace / "argocd/CODEOWNERS").read_text().splitlines()
    assert "/secrets/sealing-cert.pem @ada @home/operators" in owners

    def remotes(*arguments: str) -> tuple[int, str]:
        done = world.fmc("remotes", *arguments, cwd=world.workspace, env=token)
        assert forge.token not in done.all
        return done.code, done.out if "json" in arguments else done.all

    code, out = remotes("check", "--output", "json")
    found = [(finding["path"], finding["rule"]) for finding in json.loads(out)["findings"]]
    hooked = ["remotes/missing", "remotes/unguarded", "remotes/webhook"]
    assert (code, found) == (
        1,
        [("infra", rule) for rule in hooked[:2]] + [(part, rule) for part in ("apps", "argocd") for rule in hooked],
    )
    code, out = remotes("create", "--dry-run")
    assert (code, "makes it, private and empty" in out, "Next: fmc remotes create" in out) == (0, True, True)
    assert forge.api("GET", "/orgs/home/repos") == []
    code, out = remotes("create")
    assert (code, "`fmc remotes create --dry-run`" in out, "with --yes" in out) == (2, True, True)
    code, out = remotes("create", "--yes")
    assert (code, "argocd: has pushes told to https://argocd.home.example.com/api/webhook" in out) == (0, True), out
    code, out = remotes("create", "--yes")
    assert (code, "No change" in out) == (0, True), out

    pushed = world.fmc("push", cwd=world.workspace, env=token)
    assert pushed.code == 0, pushed.err
    # Gitea takes note of pushes by and by.
    wait_for("Gitea to know the branches", lambda: all(_is_known(forge, part) for part in PARTS), timeout=30)
    # Each branch exists now, and takes pull requests alone, as the answers say.
    code, out = remotes("create", "--yes", "--output", "json")
    assert {change["rule"] for change in json.loads(out)["changes"]} == {"remotes/pull-requests"}, out
    code, out = remotes("check")
    assert (code, "The remotes are as they should be." in out) == (0, True), out

    _by_pull_requests(forge, world, token)

    # What signs the webhook's messages is in the cluster's Secret; with another one the webhook is an old one.
    sealed = (world.workspace / "argocd/secrets/argocd/argocd-secret.sealed.yaml").read_text()
    assert '"webhook.gogs.secret":' in sealed
    value = ("secret", "set", "argocd/argocd-secret", "webhook")
    assert world.fmc(*value, cwd=world.workspace, stdin="another-secret-of-the-hook").code == 0
    code, out = remotes("check")
    assert (code, "has an older secret" in out) == (1, True), out


def _by_pull_requests(forge: Server, world: World, token: dict[str, str]) -> None:
    """Deliver a change of two repositories, as the answers have it: people merge."""
    before = {part: _tip(forge, part) for part in ("infra", "argocd")}
    for part in before:
        world.commit(part, {"docs/notes.md": "# Notes\n"})
    opened = world.fmc("push", cwd=world.workspace, env=token)
    assert (opened.code, "infra: merge fmc-run-" in opened.out, "argocd: merge" in opened.out) == (0, True, False)
    assert {part: _tip(forge, part) for part in before} == before
    again = world.fmc("push", "--output", "json", cwd=world.workspace, env=token)
    (waits,) = json.loads(again.out)["proposed"]
    (request,) = forge.api("GET", "/repos/home/infra/pulls")
    assert (waits["page"], waits["state"], request["title"]) == (request["html_url"], "open", "Mine")

    # Whoever has no token for the forge is told where a person opens one.
    by_hand = world.fmc("push", "--mode", "pull-request", cwd=world.workspace, env=_by_header(forge))
    assert f"{forge.url}/home/infra/compare/main...{request['head']['ref']}" in by_hand.out, by_hand.all

    # A person closes it, which is told; then they reopen and merge it, while fmc waits and goes on to argocd.
    forge.api("PATCH", f"/repos/home/infra/pulls/{request['number']}", {"state": "closed"})
    closed = world.fmc("push", cwd=world.workspace, env=token)
    assert (closed.code, f"{request['html_url']} was closed" in closed.err) == (3, True), closed.all
    forge.api("PATCH", f"/repos/home/infra/pulls/{request['number']}", {"state": "open"})
    with ThreadPoolExecutor(1) as person:
        merging = person.submit(_merge, forge, ("infra", "argocd"))
        done = world.fmc("push", "--wait", cwd=world.workspace, env=token)
        merging.result()
    assert (done.code, "Argo CD takes it from here" in done.out) == (0, True), done.all
    for part in before:
        mine = world.git("rev-parse", "HEAD", cwd=world.workspace / part)
        commits = forge.api("GET", f"/repos/home/{part}/commits?sha=main&limit=5&stat=false")
        assert mine in [commit["sha"] for commit in commits]
        assert [branch["name"] for branch in forge.api("GET", f"/repos/home/{part}/branches")] == ["main"]


def _is_known(forge: Server, part: str) -> bool:
    repository = forge.api("GET", f"/repos/home/{part}")
    return not repository["empty"] and bool(forge.api("GET", f"/repos/home/{part}/branches"))


def _tip(forge: Server, part: str) -> str:
    return str(forge.api("GET", f"/repos/home/{part}/branches/main")["commit"]["id"])


def _merge(forge: Server, parts: tuple[str, ...]) -> None:
    """Merge a pull request of each, once it is there."""
    deadline = time.monotonic() + 200
    for part in parts:
        while not (found := forge.api("GET", f"/repos/home/{part}/pulls?state=open")) and time.monotonic() < deadline:
            time.sleep(0.2)
        forge.api("POST", f"/repos/home/{part}/pulls/{found[0]['number']}/merge", {"Do": "merge"})


def _by_header(forge: Server) -> dict[str, str]:
    """Return what lets git in, and fmc not: a header in the configuration of the person."""
    basic = base64.b64encode(f"ada:{forge.token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{forge.url}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }


@pytest.mark.tools
def test_deploy_keys_of_the_vault_are_registered_each_at_its_repository(forge: Server, world: World) -> None:
    organisation(forge, "keys")
    given = answers(
        world.folder,
        git_base_url="ssh://git@git.example.com/keys",
        forge=f"{{kind: gitea, api: '{forge.url}/api/v1'}}",
        components="[traefik, longhorn, jenkins, hello]",
        git_known_hosts=f"['git.example.com {HOST_KEY}']",
    )
    token = {"FMC_GIT_TOKEN": forge.token}
    made = world.new(answers=given)
    assert made.code == 0, made.err
    done = world.fmc("remotes", "create", "--yes", cwd=world.workspace, env=token)
    assert done.code == 0, done.err
    keys = {
        part: {key["title"]: key["read_only"] for key in forge.api("GET", f"/repos/keys/{part}/keys")}
        for part in ("infra", "argocd", "apps")
    }
    # Argo CD reads; Jenkins looks at all of them, and commits new images.
    assert keys == {
        "infra": {"jenkins-infra@home": True},
        "argocd": {"argocd@home": True, "jenkins-argocd@home": True},
        "apps": {"argocd@home": True, "jenkins@home": False},
    }
    again = world.fmc("remotes", "create", "--yes", cwd=world.workspace, env=token)
    assert (again.code, "No change" in again.out) == (0, True), again.all


def test_without_a_token_or_a_terminal_nothing_is_asked(pushed: World) -> None:
    config = pushed.workspace / "argocd" / ".copier-answers.yml"
    config.write_text(config.read_text() + "forge: {kind: gitea, api: 'http://127.0.0.1:1/api/v1'}\n")
    refused = pushed.fmc("remotes", "check", cwd=pushed.workspace)
    assert (refused.code, "there is none" in refused.err) == (2, True), refused.err
    # What it advises.
    assert "export FMC_GIT_TOKEN" in refused.err
    asked = pushed.fmc("remotes", "check", cwd=pushed.workspace, env={"FMC_GIT_TOKEN": "token-of-the-test"})
    assert (asked.code, "can't be reached" in asked.err, "token-of-the-test" in asked.all) == (4, True, False)


def test_folders_are_made_taken_over_and_pushed_to(world: World) -> None:
    given = answers(world.folder, git_base_url=f"file://{world.folder}/remotes")
    assert world.new(answers=given).code == 0
    created = world.fmc("remotes", "create", "--yes", cwd=world.workspace)
    assert (created.code, "infra: makes it, private and empty" in created.err) == (0, True), created.all
    begin(world, "infra", {"README.md": "# infra\n", "LICENSE": "Apache License\n"})

    adopted = world.fmc("remotes", "adopt", cwd=world.workspace)
    assert (adopted.code, "which held LICENSE, README.md alone" in adopted.err) == (0, True), adopted.all
    assert "No change" in world.fmc("remotes", "adopt", cwd=world.workspace).out
    # What somebody else put there is theirs.
    theirs = begin(world, "apps", {"main.go": "package main\n"})
    refused = world.fmc("remotes", "adopt", cwd=world.workspace)
    assert (refused.code, "holds another history" in refused.err) == (3, True), refused.all
    assert world.tips()["apps"] == theirs
    world.git("update-ref", "-d", "refs/heads/main", cwd=world.remote("apps"))
    assert world.fmc("push", cwd=world.workspace).code == 0
    assert world.published()["infra"]["LICENSE"] == b"Apache License\n"
    assert world.fmc("remotes", "check", cwd=world.workspace).code == 0

    # Nobody merges in a folder.
    world.commit("infra", {"docs/notes.md": "# Notes\n"})
    nowhere = world.fmc("push", "--mode", "pull-request", cwd=world.workspace)
    assert (nowhere.code, "nobody opens a pull request there" in nowhere.err) == (2, True), nowhere.all
    assert "`fmc push --mode direct`" in nowhere.err
    assert world.fmc("push", "--mode", "direct", cwd=world.workspace).code == 0
    assert world.tips() == {part: world.git("rev-parse", "HEAD", cwd=world.workspace / part) for part in PARTS}
