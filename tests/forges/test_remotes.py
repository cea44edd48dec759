"""`fmc remotes` on a real Gitea: what a cluster's repositories need there, made once, checked, and delivered to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

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
    # Each branch exists now, and takes pull requests alone, as the answers say.
    code, out = remotes("create", "--yes", "--output", "json")
    assert {change["rule"] for change in json.loads(out)["changes"]} == {"remotes/pull-requests"}, out
    code, out = remotes("check")
    assert (code, "The remotes are as they should be." in out) == (0, True), out

    # What signs the webhook's messages is in the cluster's Secret; with another one the webhook is an old one.
    sealed = (world.workspace / "argocd/secrets/argocd/argocd-secret.sealed.yaml").read_text()
    assert "webhook.gogs.secret:" in sealed
    value = ("secret", "set", "argocd/argocd-secret", "webhook")
    assert world.fmc(*value, cwd=world.workspace, stdin="another-secret-of-the-hook").code == 0
    code, out = remotes("check")
    assert (code, "has an older secret" in out) == (1, True), out


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
    # Argo CD reads; Jenkins commits new images.
    assert keys == {"infra": {}, "argocd": {"argocd@home": True}, "apps": {"argocd@home": True, "jenkins@home": False}}
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
