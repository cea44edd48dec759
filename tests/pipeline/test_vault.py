"""`fmc vault`: two operators, each with a copy of the vault, and who opens it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import pyrage
import pytest

from generator.secrets.vault.file import open_vault
from tests.pipeline import kill_driver
from tests.pipeline.world import FMC, Finished, World, tree

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.model import Vault

TOKEN, DASHBOARD = "argocd/git-credentials", "traefik/traefik-dashboard-auth"
# By step of a merge (0: `fmc vault merge`, 1: `fmc seal`), the writes of it.
KILLED = [
    (0, "rename vault.age 1"),
    (1, "rename vault.age 1"),
    (1, "rename traefik-dashboard-auth.sealed.yaml 1"),
    (1, "rename git-credentials.sealed.yaml 1"),
]


def merging(file: Path) -> list[tuple[str, ...]]:
    """The commands of a merge."""
    return [("vault", "merge", str(file)), ("seal",)]


def fmc(world: World, *arguments: str, stdin: str = "") -> str:
    done = world.fmc(*arguments, cwd=world.workspace, stdin=stdin)
    assert done.code == 0, done.err
    return done.out


@pytest.fixture
def two(pushed: World, tmp_path: Path) -> tuple[World, Path]:
    """A machine, and the vault of another one on which a password was replaced and delivered."""
    other = pushed.copy(tmp_path / "other")
    fmc(other, "rotate", DASHBOARD)
    file = tmp_path / "vault-of-bob.age"
    shutil.copy(other.vault, file)
    return pushed, file


def test_what_two_operators_did_is_in_one_vault_afterwards(two: tuple[World, Path]) -> None:
    world, other = two
    fmc(world, "secret", "set", TOKEN, stdin="a-token-of-ada")
    out = fmc(world, "vault", "merge", str(other))
    assert out.splitlines() == [f"taken: {DASHBOARD}: admin", "Next: fmc seal, fmc check, fmc push"]
    fmc(world, "seal")
    fmc(world, "push")
    assert world.published() == world.local()
    shown = world.run(str(FMC), "secret", "show", TOKEN, cwd=world.workspace)
    assert shown.out == "a-token-of-ada\n"
    assert fmc(world, "vault", "merge", str(other)) == "Nothing to do.\n"


@pytest.fixture(scope="module")
def apart(
    first_run: tuple[World, Finished], tmp_path_factory: pytest.TempPathFactory
) -> tuple[World, Path, World, list[str]]:
    """A machine, the vault of another one that has something else, the same machine merged, and what that did."""
    folder = tmp_path_factory.mktemp("apart")
    world, other = first_run[0].copy(folder / "world"), first_run[0].copy(folder / "other")
    fmc(world, "secret", "set", TOKEN, stdin="a-token-of-ada")
    fmc(other, "rotate", DASHBOARD)
    file = folder / "vault-of-bob.age"
    shutil.copy(other.vault, file)
    merged = world.copy(folder / "merged")
    acts = []
    for command in merging(file):
        assert drive(merged, "", *command).code == 0
        acts += (merged.folder / "acts").read_text().splitlines()
    return world, file, merged, acts


def drive(world: World, moment: str, *arguments: str) -> Finished:
    record = world.folder / "acts"
    record.unlink(missing_ok=True)
    return world.run(sys.executable, kill_driver.__file__, str(record), moment, *arguments, cwd=world.workspace)


def opened(world: World) -> Vault:
    return open_vault(world.vault, world.identity, cluster=world.cluster)


@pytest.mark.parametrize(("step", "moment"), KILLED)
def test_a_merge_that_is_killed_at_a_write_gives_one_result(
    apart: tuple[World, Path, World, list[str]], tmp_path: Path, step: int, moment: str
) -> None:
    """The vault is the old or the new one at each moment, and the same commands end as if nothing had happened."""
    begun, file, merged, _ = apart
    world = begun.copy(tmp_path / "world")
    commands = merging(file)
    for command in commands[:step]:
        fmc(world, *command)
    before = world.vault.read_bytes()
    done = drive(world, moment, *commands[step])
    assert done.code == -signal.SIGKILL, f"{moment} never came: {done.err}"
    world.require_presentable(done)
    # Whole in any case: `opened` would refuse it. What follows from it is written after it.
    assert (world.vault.read_bytes() == before) == (moment == "rename vault.age 1")
    assert (opened(world) == opened(begun)) == ((step, moment) == KILLED[0])
    for command in commands:
        fmc(world, *command)
    after, wanted = opened(world), opened(merged)
    assert after.values == wanted.values
    assert after.history == wanted.history
    assert after.derived.keys() == wanted.derived.keys()
    assert [path.name for path in world.workspace.iterdir() if path.name.startswith(".vault")] == []
    assert fmc(world, "vault", "merge", str(file)) == "Nothing to do.\n"
    fmc(world, "push")
    assert world.published() == world.local()


def test_these_are_all_writes_of_a_merge(apart: tuple[World, Path, World, list[str]]) -> None:
    *_, acts = apart
    assert {act for act in acts if act.startswith(("rename", "remove"))} == {moment for _, moment in KILLED}


def test_nothing_is_written_where_a_person_has_to_decide(two: tuple[World, Path]) -> None:
    world, other = two
    fmc(world, "secret", "set", DASHBOARD, stdin="a-password-of-ada-s")
    before = tree(world.folder)
    done = world.fmc("vault", "merge", str(other), cwd=world.workspace)
    assert (done.code, f"`--keep {DASHBOARD}`" in done.err) == (3, True)
    assert tree(world.folder) == before
    fmc(world, "vault", "merge", str(other), "--keep", DASHBOARD)
    shown = world.run(str(FMC), "secret", "show", DASHBOARD, cwd=world.workspace)
    assert shown.out == "a-password-of-ada-s\n"


def test_a_colleague_comes_and_goes(pushed: World) -> None:
    identity = pyrage.x25519.Identity.generate()
    key = str(identity.to_public())
    assert "opens for it from now on" in fmc(pushed, "vault", "recipients", "add", key)
    rows = json.loads(fmc(pushed, "vault", "recipients", "list", "--output", "json"))["recipients"]
    assert [row["key"] for row in rows][-1] == key
    assert [row["own"] for row in rows].count(True) == 1
    assert key in fmc(pushed, "vault", "recipients", "list")
    file = pushed.folder / "colleague.txt"
    file.write_text(f"{identity}\n")
    shown = ("secret", "list", "--identity", str(file))
    fmc(pushed, *shown)
    assert "`fmc rotate --all`" in fmc(pushed, "vault", "recipients", "remove", key)
    assert pushed.fmc(*shown, cwd=pushed.workspace).code == 4
    assert os.fsencode(key) not in pushed.vault.read_bytes()
