"""`fmc mirror list`: of a workspace as it lies there, and of answers that nothing was rendered from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from tests.pipeline.world import EXAMPLE, tree

if TYPE_CHECKING:
    from tests.pipeline.world import Finished, World


def listed(world: World, *arguments: str) -> dict[str, Any]:
    done = world.fmc("mirror", "list", "--output", "json", *arguments, cwd=world.workspace)
    assert done.code == 0, done.all
    document: dict[str, Any] = json.loads(done.out)
    return document


def test_a_workspace_and_the_answers_that_it_was_made_from_list_the_same(first_run: tuple[World, Finished]) -> None:
    world, _ = first_run
    before = tree(world.workspace)
    found = listed(world)
    assert found["cluster"] == "home"
    assert found == listed(world, "--answers", str(EXAMPLE))
    assert {item["kind"] for item in found["items"]} == {"chart", "image", "binary", "os-image", "provider"}
    assert tree(world.workspace) == before


def test_a_version_that_a_person_raised_is_listed_and_told(pushed: World) -> None:
    pins = pushed.workspace / "argocd/versions.yaml"
    old = yaml.safe_load(pins.read_text())["charts"]["traefik"]["version"]
    pins.write_text(pins.read_text().replace(f'version: "{old}"', 'version: "99.0.0"'))
    done = pushed.fmc("mirror", "list", "--format", "hauler", cwd=pushed.workspace / "argocd")
    assert done.code == 0
    assert f"the images of the chart traefik 99.0.0 are not recorded: those of its version {old} are listed" in done.err
    charts = next(one for one in yaml.safe_load_all(done.out) if one["kind"] == "Charts")["spec"]["charts"]
    assert {"name": "traefik", "repoURL": "https://traefik.github.io/charts", "version": "99.0.0"} in charts


def test_without_a_workspace_and_answers_it_says_what_to_do(world: World) -> None:
    done = world.fmc("mirror", "list")
    assert done.code == 2
    assert "there is no workspace here" in done.err
