"""Where the answers want pull requests, no verb moves a branch: each says what waits, and goes on when it is merged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generator.secrets.vault.file import open_vault
from tests.pipeline.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline.world import Finished

BY_REQUEST = ("--set", "forge={kind: gitea, delivery: pull-requests}")
LOGIN = "traefik/traefik-dashboard-auth"
ADDRESS = "https://git.example.com/home/{}/compare/main...fmc-run-"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine whose repositories are pushed; nobody gave it a token for the forge. Copy it."""
    world = World(tmp_path_factory.mktemp("requests") / "world").make()
    done = world.new("--push", *BY_REQUEST)
    # What founds a branch can be merged into nothing.
    assert (done.code, sorted(world.tips())) == (0, ["apps", "argocd", "infra"]), done.err
    return world


def merge(world: World, part: str) -> None:
    """Merge what waits, as a person does in the forge's pages."""
    remote = world.remote(part)
    (waiting,) = world.git("for-each-ref", "--format=%(refname)", "refs/heads/fmc-run-*", cwd=remote).split()
    world.git("update-ref", "refs/heads/main", waiting, cwd=remote)


def require_waiting(world: World, done: Finished, part: str, tips: dict[str, str]) -> None:
    """Assert that a command moved no branch, and named the page."""
    assert (done.code, ADDRESS.format(part) in done.out) == (0, True), done.all
    assert "Next: have that merged, then run the same command again" in done.out
    assert world.tips() == tips


def test_other_answers_wait_to_be_merged(founded: World, tmp_path: Path) -> None:
    world = founded.copy(tmp_path / "world")
    tips = world.tips()
    change = ("--push", *BY_REQUEST, "--set", "timezone=Europe/Paris")
    changed = world.new(*change)
    require_waiting(world, changed, "infra", tips)
    assert "waits to be merged" in changed.out
    # Each has the answers; the one that Argo CD follows comes when the others are merged.
    for parts in (("infra", "apps"), ("argocd",)):
        assert all(ADDRESS.format(part) in changed.out for part in parts), changed.all
        for part in parts:
            merge(world, part)
        changed = world.new(*change)
    assert (changed.code, "have that merged" in changed.out) == (0, False), changed.all
    assert world.published() == world.local()


def test_a_rotation_waits_and_replaces_nothing_twice(founded: World, tmp_path: Path) -> None:
    world = founded.copy(tmp_path / "world")
    tips = world.tips()
    require_waiting(world, world.fmc("rotate", LOGIN, cwd=world.workspace), "argocd", tips)
    values = open_vault(world.vault, world.identity, cluster=world.cluster).values
    merge(world, "argocd")
    done = world.fmc("rotate", LOGIN, "--output", "json", cwd=world.workspace)
    assert (done.code, json.loads(done.out)["proposed"]) == (0, []), done.err
    assert open_vault(world.vault, world.identity, cluster=world.cluster).values == values
    assert world.published() == world.local()


def test_another_sealing_key_counts_when_people_have_merged(founded: World, tmp_path: Path) -> None:
    world = founded.copy(tmp_path / "world")
    for step in ((), ("--loaded",)):
        tips = world.tips()
        require_waiting(world, world.fmc("keys", "rekey", *step, cwd=world.workspace), "argocd", tips)
        assert open_vault(world.vault, world.identity, cluster=world.cluster).next_key == "sealed-secrets-key-2"
        merge(world, "argocd")
        done = world.fmc("keys", "rekey", *step, cwd=world.workspace)
        assert done.code == 0, done.err
    assert open_vault(world.vault, world.identity, cluster=world.cluster).current_key == "sealed-secrets-key-2"
    assert world.published() == world.local()
