"""Remedies about rotating and about restarts, followed: what is advised is done, and then the verb succeeds."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.pipeline.steps.rotation_note import interrupted_rotation
from generator.secrets.restart_marks import ANNOTATION
from generator.secrets.restarts import verify_restarts, write_restarts
from generator.secrets.rotate import plan_rotation, prepare_keys
from generator.secrets.seal import seal_repository
from generator.secrets.selection import Order
from generator.secrets.vault.lineage import INITIAL
from generator.secrets.verify import verify_secrets
from generator.workspace import Workspace as Folder
from tests.pipeline.world import FMC, World
from tests.remedies.sealing import follow
from tests.remedies.walk import advice, commands, do
from tests.secrets.conftest import FULL
from tests.secrets.test_restarts import BLOCK, TOKEN, WAITING, folders, replace_token, with_key, workloads

if TYPE_CHECKING:
    from pathlib import Path

    from generator.findings import Finding
    from tests.secrets.conftest import Workspace

HELLO, CREDENTIALS = "hello-production/hello-users", "argocd/git-credentials"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine whose repositories are delivered. Look at it, and leave it as it is."""
    world = World(tmp_path_factory.mktemp("rotate") / "world").make()
    done = world.new("--push")
    assert done.code == 0, done.err
    return world


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    return made.copy(tmp_path / "my world")


def said(world: World, *arguments: str) -> str:
    """What a rotation that can't be made says."""
    done = world.fmc("rotate", *arguments, cwd=world.workspace)
    assert done.code == 2, done.all
    return done.err


def run(world: World, command: str, stdin: str = "") -> str:
    """Do what a command of fmc does, as it stands in a message."""
    program, *arguments = command.split()
    assert program == "fmc"
    done = world.run(str(FMC), *arguments, cwd=world.workspace, stdin=stdin)
    assert done.code == 0, done.err
    return done.out


def rotates(world: World, *arguments: str) -> bool:
    return world.fmc("rotate", *arguments, cwd=world.workspace).code == 0


def test_an_order_that_says_nothing(world: World) -> None:
    (command,) = commands(said(world))
    assert HELLO in run(world, command)
    assert rotates(world, HELLO)


def test_registered_keys_without_a_name(world: World) -> None:
    message = said(world, "--all", "--registered")
    assert CREDENTIALS in run(world, commands(message)[0])
    assert "no key is prepared there" in said(world, CREDENTIALS, "--registered")


def test_a_token_that_was_not_given(world: World) -> None:
    message = said(world, CREDENTIALS)
    assert f"{CREDENTIALS}: token" in run(world, commands(message)[0], "a-token-of-the-forge\n")


@pytest.mark.parametrize("way", ["commit", "stash"])
def test_work_that_is_not_committed(world: World, way: str) -> None:
    (world.workspace / "argocd" / "notes.md").write_text("Mine.\n")
    (stash,) = commands(said(world, HELLO))
    if way == "stash":
        do(stash, world.workspace, HOME=str(world.home), GIT_AUTHOR_NAME="Ada", GIT_AUTHOR_EMAIL="ada@example.com")
    else:
        world.commit("argocd", {})
    assert rotates(world, HELLO)


def test_a_note_that_can_not_be_read(world: World) -> None:
    note = Folder(world.workspace).note("rotation")
    note.write_text("{}")
    message = said(world, HELLO)
    note.unlink()
    listed, push = commands(message)
    assert HELLO in run(world, listed)
    run(world, push)
    assert interrupted_rotation(Folder(world.workspace), "x") is None
    assert rotates(world, HELLO)


def test_a_vault_that_is_not_there_yet(workspace: Workspace) -> None:
    plan = partial(plan_rotation, workspace.store, Order(everything=True), {}, workspace.now)
    follow(workspace, commands(advice(plan, "Run `fmc seal` first"))[0])
    assert plan().renewed


def test_a_key_that_was_not_prepared(workspace: Workspace) -> None:
    workspace.seal()
    name = "argocd/repo-infra"
    plan = partial(plan_rotation, workspace.store, Order(names=(name,), registered=True), {}, workspace.now)
    assert commands(advice(plan, "it makes the next key")) == [f"fmc rotate {name}"]
    first = plan_rotation(workspace.store, Order(names=(name,)), {}, workspace.now)
    prepare_keys(workspace.store, first.prepared, workspace.now)
    assert plan().renewed


@pytest.mark.parametrize(
    ("name", "fix", "then"),
    [
        ("argocd/argocd-secret:admn", "Did you mean admin?", "argocd/argocd-secret:admin"),
        ("machines/k3s:agent-token", "Leave it as it is", "machines/k3s:token"),
        ("shop/constants", "Change it in secrets/catalogue.yaml, then run `fmc seal`", "argocd/argocd-secret"),
    ],
)
def test_a_name_that_can_not_be_rotated(workspace: Workspace, name: str, fix: str, then: str) -> None:
    further = (
        "\n  - {namespace: shop, name: constants, data: {url: {text: x}}}\nmachines:\n  - name: k3s\n    values:\n"
    )
    further += "      token: {generator: token, playbook: rotate-token.yml}\n      agent-token: {generator: token}\n"
    workspace.write_catalogue(FULL + further)
    workspace.seal()
    advice(partial(plan_rotation, workspace.store, Order(names=(name,)), {}, workspace.now), fix)
    workspace.write_catalogue((FULL + further).replace("text: x}", "text: y}"))
    assert workspace.seal().changed == ("shop/constants",)
    assert plan_rotation(workspace.store, Order(names=(then,)), {}, workspace.now).renewed


# Restarts.


def found(workspace: Workspace) -> list[Finding]:
    return verify_restarts(workspace.root, folders(workspace))


def test_a_pod_that_has_the_old_value(workspace: Workspace) -> None:
    workspace.seal()
    workloads(workspace)
    replace_token(workspace)
    (finding,) = found(workspace)
    assert commands(finding.fix) == ["fmc seal", "fmc push"]
    workspace.seal()
    write_restarts(workspace.root, folders(workspace))
    assert found(workspace) == []


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        (f"{ANNOTATION}: [{TOKEN}]\n", f'{ANNOTATION}: "{TOKEN}"\n'),
        (f"{ANNOTATION}: registry/push-tokn\n", f"{ANNOTATION}: {TOKEN}\n"),
    ],
)
def test_an_annotation_that_names_nothing(workspace: Workspace, text: str, fix: str) -> None:
    workspace.seal()
    file = workloads(workspace, text)
    (finding,) = found(workspace)
    assert re.search(rf'in quotes: `{ANNOTATION}: "NAMESPACE/NAME"`|Did you mean {TOKEN}', finding.fix)
    file.write_text(fix)
    assert found(workspace) == []


def test_a_container_that_waits_in_vain(workspace: Workspace) -> None:
    workspace.seal()
    file = workloads(workspace, WAITING)
    (finding,) = found(workspace)
    assert commands(finding.fix) == ["revision_key: true", "fmc seal"]
    with_key(workspace)
    follow(workspace, "fmc seal")
    assert found(workspace) == []
    file.write_text(WAITING.replace(f"push-token.{INITIAL}", "push-token.other"))
    (line,) = commands(found(workspace)[0].fix)
    file.write_text(WAITING.replace(f"key: push-token.{INITIAL}", line))
    assert found(workspace) == []


def test_a_container_that_does_not_wait(workspace: Workspace) -> None:
    with_key(workspace)
    workspace.seal()
    file = workloads(workspace, BLOCK)
    write_restarts(workspace.root, folders(workspace))
    right = file.read_text()
    file.write_text(right.replace("optional: false", "optional: true"))
    line, seal = commands(found(workspace)[0].fix)
    assert seal == "fmc seal"
    file.write_text(file.read_text().replace("        optional: true", f"        {line}", 1))
    assert found(workspace) == []


# What is due.


def test_a_value_that_is_due(workspace: Workspace) -> None:
    workspace.write_catalogue(FULL.replace("generator: password, length: 48", "generator: password, max_age: 20"))
    workspace.seal()
    workspace.now += timedelta(days=35)
    for finding in verify_secrets(workspace.root, workspace.open(), workspace.now):
        (command,) = commands(finding.fix)
        _, verb, *names = command.split()
        order = Order(names=tuple(names)) if verb == "rotate" else Order(due=True, certificates=True)
        renewed = plan_rotation(workspace.store, order, {}, workspace.now).renewed
        assert renewed
        seal_repository(workspace.store, {}, workspace.now, renewed=renewed)
    assert verify_secrets(workspace.root, workspace.open(), workspace.now) == []


def test_a_renewal_of_what_is_no_certificate(world: World) -> None:
    done = world.fmc("renew", HELLO, cwd=world.workspace)
    assert done.code == 2
    run(world, commands(done.err)[0])


def test_a_renewal_of_two_kinds(world: World) -> None:
    done = world.fmc("renew", "--all", HELLO, cwd=world.workspace)
    assert (done.code, "Leave one of the two out" in done.err) == (2, True)
    run(world, "fmc renew --all")
