"""The rendered ci/ of the repository apps: its program runs where it lies, with what was answered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.delivery.workspace import git, make_remote
from tests.image.bumping import digest
from tests.template.argocd_tree import HA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render


@pytest.mark.parametrize(("layout", "url", "folder"), [("apps", "apps.git", ""), ("monorepo", "home.git", "apps/")])
def test_what_was_answered_is_in_one_file(render: Render, layout: str, url: str, folder: str) -> None:
    answers = HA | {"name": "home", "git_base_url": "https://git.example.com/team", "git_branch": "live"}
    settings = json.loads((render(answers, layout) / folder / "ci/delivery.json").read_text())
    assert settings == {
        "remote": f"https://git.example.com/team/{url}",
        "branch": "live",
        "folder": folder,
        "name": "home pipelines",
        "email": answers["email"],
    }


def test_the_program_needs_no_more_than_its_checkout(render: Render, tmp_path: Path) -> None:
    checkout = tmp_path / "apps"
    shutil.copytree(render(HA, "apps"), checkout)
    remote = make_remote(tmp_path / "remotes/apps.git")
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"]):
        git(checkout, *command)
    git(checkout, "-c", "user.name=a", "-c", "user.email=a@x", "commit", "--quiet", "--message=first")
    git(checkout, "push", "--quiet", str(remote), "main")
    program = checkout / "ci/bump-image"
    address = json.loads((checkout / "ci/delivery.json").read_text())["remote"]
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{remote}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }
    image = f"registry.example.com/team/hello:1.31@{digest(1)}"
    done = subprocess.run(
        [program, "hello", image, "--env", "staging"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"hello in staging: main now says {image}, commit ")
    assert git(remote, "log", "-1", "--format=%an <%ae>", "main") == f"{HA['name']} pipelines <{HA['email']}>"
    assert git(checkout, "status", "--porcelain") == ""
