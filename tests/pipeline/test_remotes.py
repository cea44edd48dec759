"""Remotes as people find or make them: begun by a forge, used by somebody else, or delivered to before."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.pipeline.world import EXAMPLE, World

if TYPE_CHECKING:
    from collections.abc import Mapping


def begin(world: World, part: str, files: Mapping[str, str]) -> str:
    """Commit files on a remote as its forge, or somebody else, does; return the commit."""
    clone = world.folder / "tmp" / f"forge-{part}"
    world.git("clone", "--quiet", str(world.remote(part)), str(clone))
    for name, content in files.items():
        (clone / name).write_text(content)
    world.git("add", "--all", cwd=clone)
    world.git("commit", "--quiet", "--message=Initial commit", cwd=clone)
    world.git("push", "--quiet", "origin", "HEAD:main", cwd=clone)
    return world.git("rev-parse", "HEAD", cwd=clone)


def test_remotes_that_a_forge_began_or_somebody_uses(world: World) -> None:
    """Faults B2: a README led to exit 3, and what was advised then to exit 2."""
    began = begin(world, "infra", {"README.md": "# infra\n", "LICENSE": "Apache License\n"})
    theirs = begin(world, "apps", {"main.go": "package main\n"})

    refused = world.new("--push")
    assert refused.code == 3
    assert "apps.git has a branch main that holds something else; it was not touched" in refused.err
    assert not world.workspace.exists()

    # What it advises: an empty repository beside it, named in the answers.
    assert "repositories: {apps: NAME}" in refused.err
    world.git("init", "--quiet", "--bare", "--initial-branch=main", str(world.remote("platform-apps")))
    answers = world.folder / "answers.yaml"
    answers.write_text(EXAMPLE.read_text() + "repositories: {apps: platform-apps}\n")
    done = world.new("--push", answers=answers)
    assert done.code == 0, done.err
    assert "took over https://git.example.com/home/infra.git, which held LICENSE, README.md alone" in done.err
    assert world.tips()["apps"] == theirs
    assert began in world.git("rev-list", "main", cwd=world.remote("infra")).splitlines()
    published = world.published()
    assert published["infra"].pop("LICENSE") == b"Apache License\n"
    local = world.local()
    assert local["infra"].pop("LICENSE") == b"Apache License\n"
    assert {name: published[name] for name in ("infra", "platform-apps", "argocd")} == {
        "infra": local["infra"],
        "platform-apps": local["apps"],
        "argocd": local["argocd"],
    }

    again = world.new("--push", answers=answers)
    assert again.code == 0, again.err
    assert "No change" in again.out

    # The forge's licence is nobody's to remove when an answer changes.
    answers.write_text(answers.read_text().replace("Europe/Madrid", "Europe/Lisbon"))
    changed = world.new("--push", answers=answers)
    assert changed.code == 0, changed.err
    assert world.published()["infra"]["LICENSE"] == b"Apache License\n"


def test_a_repository_that_is_gone_is_cloned(pushed: World) -> None:
    """Faults E15: it got a new history, which its remote refused with the wrong advice."""
    before = pushed.tips()
    shutil.rmtree(pushed.workspace / "infra")
    done = pushed.new("--push")
    assert done.code == 0, done.err
    assert "infra: cloned from https://git.example.com/home/infra.git, where it was delivered before" in done.err
    assert pushed.tips() == before
    assert "No change" in done.out


def test_a_persons_ignore_rules_hide_no_sealed_manifest(pushed: World) -> None:
    """Faults A2: check had no error, push said \"pushed\", and a clone lacked the manifest."""
    excludes = pushed.home / "excludes"
    excludes.write_text("secrets/\n*credentials*\n")
    rules = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_1": "core.excludesFile", "GIT_CONFIG_VALUE_1": str(excludes)}
    value = ("secret", "set", "argocd/git-credentials", "token", "--workspace", str(pushed.workspace))
    done = pushed.fmc(*value, stdin="a-read-token-of-mine\n", env=rules)
    assert done.code == 0, done.err
    for verb in ("seal", "check", "push"):
        done = pushed.fmc(verb, "--workspace", str(pushed.workspace), env=rules)
        assert done.code == 0, done.all
    manifest = "secrets/argocd/git-credentials.sealed.yaml"
    assert pushed.published()["argocd"][manifest] == (pushed.workspace / "argocd" / manifest).read_bytes()
