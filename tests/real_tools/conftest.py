"""What a remote holds after `fmc new --push`: the clones that Argo CD and the pipelines will work from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from generator.secrets.vault.file import open_vault
from generator.workspace import PARTS
from tests.pipeline.world import BASE_URL, World

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.model import Vault

TOKEN = "glpat-that-may-read-0815"


@dataclass(frozen=True)
class Delivered:
    """A world in which everything was delivered once. Look at it, and leave it as it is.

    Attributes:
        world: The user's machine and the remotes.
        clones: A fresh clone of each remote, by part.
        vault: The vault, opened.
    """

    world: World
    clones: dict[str, Path]
    vault: Vault


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    world = World(tmp_path_factory.mktemp("delivered") / "world").make()
    done = world.new("--push", env={"FMC_GIT_READ_TOKEN": TOKEN})
    assert done.code == 0, done.all
    clones = {part: world.folder / "clones" / part for part in PARTS}
    for part, clone in clones.items():
        world.git("clone", "--quiet", f"{BASE_URL}{part}.git", str(clone))
    return Delivered(world, clones, open_vault(world.vault, world.identity, cluster="home"))
