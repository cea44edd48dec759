"""Fixtures: a workspace to deliver, and a git that knows nothing of the person who runs the tests."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.delivery.model import Target
from tests.delivery.gitserver import GitServer
from tests.delivery.workspace import PARTS, Workspace, make_remote, make_tree, make_workspace

TOKEN = "ghp_s3cr3t-T0ken"


@pytest.fixture(autouse=True)
def own_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a git configuration of its own, which names a person, and return its file."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "FMC_GIT_", "SSH_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return config


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Make three rendered trees, not committed yet, and three empty remotes."""
    return make_workspace(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """Serve the workspace's remotes to who has the token."""
    with GitServer(tmp_path / "remotes", token=TOKEN) as running:
        yield running


@pytest.fixture
def over_http(workspace: Workspace, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Commit a workspace whose remotes are behind the server, with the token in the environment."""
    monkeypatch.setenv("FMC_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("FMC_GIT_USER", "ci")
    workspace.targets = [
        dataclasses.replace(target, url=f"{server.url}/{target.part}.git") for target in workspace.targets
    ]
    workspace.commit()
    return workspace


@pytest.fixture
def delivered(workspace: Workspace) -> Workspace:
    """Deliver a workspace once, and commit something new in each of its repositories."""
    workspace.commit()
    workspace.push("first")
    workspace.heard.clear()
    for part in PARTS:
        workspace.edit(part)
    workspace.commit()
    return workspace


@pytest.fixture
def tree(tmp_path: Path) -> Target:
    """Make one rendered tree and its remote."""
    remote = make_remote(tmp_path / "remotes" / "infra.git")
    return Target("infra", make_tree(tmp_path / "staging" / "infra"), str(remote), "main")
