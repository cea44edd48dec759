"""One process of Jenkins for all builds; for each test a checkout, or a repository with what its pipeline talks to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.ci.jenkins_bed import GIT_TOKEN, REGISTRY_TOKEN, STANDINS, Bed, Jenkins, Listener, fill
from tests.ci.registry import Registry
from tests.delivery.conftest import own_git
from tests.delivery.gitserver import GitServer
from tests.delivery.workspace import git
from tests.template.argocd_tree import HA
from tests.template.conftest import Render, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["own_git", "render"]

ANSWERS = HA | {"pipeline": {"wait": "rollout", "notify": "webhook"}}


@dataclass
class Checkout:
    """A checkout of the apps, and the variables with which a person runs a step in it."""

    folder: Path
    registry: Registry
    variables: dict[str, str]

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a step, as it is typed in the README."""
        environment = {**self.variables, **variables}
        return subprocess.run(
            [str(self.folder / command[0]), *command[1:]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def commit(self, path: str, text: str) -> str:
        """Commit a file, and return the commit."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", f"--message={path}")
        return git(self.folder, "rev-parse", "HEAD")

    def arguments(self) -> list[list[str]]:
        """What the stand-ins were called with, one list a call."""
        return [json.loads(line) for line in (self.folder.parent / "notes").read_text().splitlines()]

    def pushed(self, app: str, image: str) -> None:
        """Leave behind what a build of an image leaves."""
        (self.folder / "out" / app).mkdir(parents=True)
        (self.folder / "out" / app / "image").write_text(f"{image}\n")


@pytest.fixture(scope="session")
def jenkins() -> Iterator[Jenkins]:
    with Jenkins() as running:
        yield running


@pytest.fixture
def bed(request: pytest.FixtureRequest, jenkins: Jenkins, render: Render, tmp_path: Path) -> Iterator[Bed]:
    """A bed; its layout is `apps`, or what the test's parameter says."""
    layout = getattr(request, "param", "apps")
    with ExitStack() as servers:
        server = servers.enter_context(GitServer(tmp_path / "remotes", user="jenkins", token=GIT_TOKEN))
        registry = servers.enter_context(Registry("builder", REGISTRY_TOKEN))
        argocd, webhook = (servers.enter_context(Listener()) for _ in range(2))
        made = Bed(tmp_path, jenkins, server, registry, argocd, webhook, "apps/" if layout == "monorepo" else "")
        health = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
        argocd.document = lambda: {"status": {**health, "summary": {"images": [made.image()]}}}
        fill(made, render(ANSWERS, layout))
        yield made


@pytest.fixture
def checkout(render: Render, tmp_path: Path) -> Iterator[Checkout]:
    folder = tmp_path / "apps"
    shutil.copytree(render(ANSWERS, "apps"), folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    with Registry("ada", "s3cret") as registry:
        logins = {"auths": {registry.host: {"auth": registry.login}}}
        (tmp_path / "config.json").write_text(json.dumps(logins))
        variables = {
            "PATH": f"{STANDINS}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PYTHONDONTWRITEBYTECODE": "1",
            "STANDIN_NOTES": str(tmp_path / "notes"),
            "DOCKER_CONFIG": str(tmp_path),
            "REGISTRY": f"{registry.host}/team",
        }
        yield Checkout(folder, registry, variables)
