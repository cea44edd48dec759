"""One process of Jenkins for all builds, and for each test a repository with what its pipeline talks to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.ci.jenkins_bed import GIT_TOKEN, REGISTRY_TOKEN, Bed, Jenkins, Listener, fill
from tests.ci.registry import Registry
from tests.delivery.conftest import own_git
from tests.delivery.gitserver import GitServer
from tests.template.argocd_tree import HA
from tests.template.conftest import Render, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["own_git", "render"]

ANSWERS = HA | {"pipeline": {"wait": "rollout", "notify": "webhook"}}


@pytest.fixture(scope="session")
def jenkins() -> Iterator[Jenkins]:
    with Jenkins() as running:
        yield running


@pytest.fixture
def bed(request: pytest.FixtureRequest, jenkins: Jenkins, render: Render, tmp_path: Path) -> Iterator[Bed]:
    """A bed; its layout is `apps`, or what the test's parameter says."""
    layout = getattr(request, "param", "apps")
    with ExitStack() as servers:
        git = servers.enter_context(GitServer(tmp_path / "remotes", user="jenkins", token=GIT_TOKEN))
        registry = servers.enter_context(Registry("builder", REGISTRY_TOKEN))
        argocd, webhook = (servers.enter_context(Listener()) for _ in range(2))
        made = Bed(tmp_path, jenkins, git, registry, argocd, webhook, "apps/" if layout == "monorepo" else "")
        health = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
        argocd.document = lambda: {"status": {**health, "summary": {"images": [made.image()]}}}
        fill(made, render(ANSWERS, layout))
        yield made
