"""`fmc image bump` and `fmc promote`: what a pipeline does, by hand, from a workspace."""

from __future__ import annotations

import json

from tests.pipeline.world import World

IMAGE = "registry.example.com/team/hello"
DIGEST = f"sha256:{7:064x}"
OVERLAY = "apps/hello/overlays/{}/kustomization.yaml"


def overlay(world: World, environment: str) -> str:
    return world.git("show", f"main:{OVERLAY.format(environment)}", cwd=world.remote("apps"))


def test_an_image_goes_into_staging_and_from_there_into_production(pushed: World) -> None:
    workspace = ("--workspace", str(pushed.workspace))
    done = pushed.fmc("image", "bump", "hello", f"{IMAGE}:1.31@{DIGEST}", "--env", "staging", *workspace)
    assert done.code == 0, done.err
    assert f"hello in staging: main now says {IMAGE}:1.31@{DIGEST}" in done.out
    assert f'newName: "{IMAGE}"\n    newTag: "1.31"\n    digest: "{DIGEST}"' in overlay(pushed, "staging")
    assert pushed.git("log", "-1", "--format=%an <%ae>", "main", cwd=pushed.remote("apps")) == "Ada <ada@example.com>"

    proposed = pushed.fmc("promote", "hello", "--pull-request", "--output", "json", *workspace)
    assert proposed.code == 0, proposed.all
    assert json.loads(proposed.out)["branch"] == "deploy/hello/production"
    assert DIGEST not in overlay(pushed, "production")

    promoted = pushed.fmc("promote", "hello", "--author-name", "Eve", *workspace)
    assert promoted.code == 0, promoted.err
    assert DIGEST in overlay(pushed, "production")
    assert pushed.git("log", "-1", "--format=%an", "main", cwd=pushed.remote("apps")) == "Eve"
    again = pushed.fmc("promote", "hello", *workspace)
    assert (again.code, "main said already" in again.out) == (0, True)

    # The workspace stays as it was, and what it does next goes on from there.
    assert DIGEST not in (pushed.workspace / "apps" / OVERLAY.format("staging")).read_text()
    pushed.git("pull", "--quiet", "--ff-only", "origin", "main", cwd=pushed.workspace / "apps")
    assert pushed.fmc("check", *workspace).code == 0
    assert pushed.fmc("push", *workspace).code == 0


def test_what_the_program_refuses_is_an_error_of_fmc(pushed: World) -> None:
    before = pushed.references()
    bump = ("image", "bump", "hello", "--env", "staging", "--workspace", str(pushed.workspace))
    tag = pushed.fmc(*bump, f"{IMAGE}:1.31")
    assert tag.code == 2
    assert "a tag without a digest can be moved" in tag.err
    assert "--allow-mutable" in tag.err
    pushed.remote("apps").rename(pushed.folder / "remotes" / "moved.git")
    away = pushed.fmc(*bump, f"{IMAGE}:1.31@{DIGEST}", "--output", "json")
    assert (away.code, json.loads(away.out)["exit_code"]) == (4, 4)
    (pushed.folder / "remotes" / "moved.git").rename(pushed.remote("apps"))
    assert pushed.references() == before
    allowed = pushed.fmc(*bump, f"{IMAGE}:1.31", "--allow-mutable")
    assert allowed.code == 0, allowed.err
    assert "digest" not in overlay(pushed, "staging")


def test_in_a_monorepo_it_is_the_folder_of_the_apps(world: World) -> None:
    world.git("init", "--quiet", "--bare", "--initial-branch=main", str(world.remote("home")))
    made = world.new("--set", "layout=monorepo", "--push")
    assert made.code == 0, made.err
    done = world.fmc(
        *("image", "bump", "hello", f"{IMAGE}:1.31@{DIGEST}", "--env", "staging"),
        *("--workspace", str(world.workspace), "--build-url", "https://ci.example.com/1", "--source-commit", "c0ffee"),
    )
    assert done.code == 0, done.err
    assert DIGEST in world.git("show", f"main:apps/{OVERLAY.format('staging')}", cwd=world.remote("home"))
    message = world.git("log", "-1", "--format=%B", "main", cwd=world.remote("home"))
    assert "Build-Url: https://ci.example.com/1" in message
    assert "Source-Commit: c0ffee" in message
