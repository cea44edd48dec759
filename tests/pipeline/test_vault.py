"""`fmc vault`: two operators, each with a copy of the vault, and who opens it."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pyrage
import pytest

from tests.pipeline.world import FMC, World, tree

if TYPE_CHECKING:
    from pathlib import Path

TOKEN, DASHBOARD = "argocd/git-credentials", "traefik/traefik-dashboard-auth"


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
