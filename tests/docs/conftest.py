"""What documents speak of: this repository, and what `fmc new` makes of each example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from generator.pipeline.explain import explain
from generator.workspace import PARTS
from tests.copier.releases import project_files
from tests.docs.places import Places
from tests.docs.scan import Scope
from tests.pipeline.world import ROOT, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
LAYOUTS = ("parts", "monorepo")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], World]:
    """Make the repositories of an example in a layout, once."""
    worlds: dict[tuple[str, str], World] = {}

    def make(example: str, layout: str) -> World:
        if (example, layout) not in worlds:
            file = ROOT / "examples" / f"{example}.yaml"
            name = yaml.safe_load(file.read_text())["name"]
            world = World(tmp_path_factory.mktemp(f"{example}-{layout}"), cluster=name).make()
            done = world.new("--set", f"layout={layout}", answers=file)
            assert done.code == 0, done.all
            worlds[example, layout] = world
        return worlds[example, layout]

    return make


def entries(files: Iterable[str]) -> frozenset[str]:
    """Return files with all folders above them."""
    parts = [file.split("/") for file in files]
    return frozenset("/".join(names[:end]) for names in parts for end in range(1, len(names) + 1))


def tree(folder: Path) -> frozenset[str]:
    """Return every file and folder below a folder, without what is git's."""
    found = (path.relative_to(folder) for path in folder.rglob("*"))
    return frozenset(path.as_posix() for path in found if ".git" not in path.parts)


def scope_of_rendered(world: World, document: Path) -> Scope:
    """Return what a rendered document speaks of: its workspace; its reader stands in a folder above it, or beside."""
    above = [folder for folder in document.parents if folder.is_relative_to(world.workspace)]
    parts = [path.parent for path in world.workspace.rglob("terraform") if (path / "../host").is_dir()]
    return Scope(Places({world.workspace: tree(world.workspace)}), (*above, *parts), names(world))


def scope_of_product(made: Callable[[str, str], World]) -> Scope:
    """Return what a document of this repository speaks of: the repository, and what it renders."""
    worlds = [made(example, "parts") for example in ("ha", "existing-cluster")]
    trees = {ROOT: entries(project_files())} | {world.workspace: tree(world.workspace) for world in worlds}
    folders = [world.workspace / part for world in worlds for part in ("", *PARTS)]
    return Scope(Places(trees), (ROOT, *folders), names(worlds[0]))


def names(world: World) -> frozenset[str]:
    """Return the names of all secrets of the catalogue, as namespace/name, and of all rules."""
    (catalogue,) = world.workspace.rglob("secrets/catalogue.yaml")
    secrets = yaml.safe_load(catalogue.read_text())["secrets"]
    return frozenset(f"{row['namespace']}/{row['name']}" for row in secrets) | {rule.id for rule in explain(())}
