"""The bed's build agent does what the Jenkinsfile says, with its stages' credentials in these stages alone."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.ci.conftest import ANSWERS
from tests.ci.registry import Registry
from tests.delivery.workspace import git
from tests.e2e.agent import Agent, stages
from tests.e2e.bed.errors import BedError
from tests.shell import Shell
from tests.template.conftest import Render, render

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["render"]

_STEPS = ("test-app", "scan-image", "deploy-image", "wait-for-rollout")
_NOTING = """#!/bin/sh
echo "$(basename "$0") ${{APP:-}} ${{SECRET:-nothing}}" >>"{notes}"
{last}
"""


def test_the_stages_are_those_of_the_branch_that_is_rolled_out(render: Render) -> None:
    found = stages((render(ANSWERS, "apps") / "Jenkinsfile").read_text())
    assert [(stage.name, stage.commands) for stage in found] == [
        ("test", ('ci/test-app "$APP"',)),
        ("build and push", ('ci/build-image "$APP" --push',)),
        ("scan", ('ci/scan-image "$APP"',)),
        ("deploy", ('ci/deploy-image "$APP"',)),
        ("wait", ('ci/wait-for-rollout "$APP"',)),
    ]


def test_a_build_goes_through_them_and_stops_at_what_fails(render: Render, tmp_path: Path) -> None:
    checkout, notes = tmp_path / "apps", tmp_path / "notes"
    shutil.copytree(render(ANSWERS, "apps"), checkout)
    for step in _STEPS:
        last = "exit 3" if step == "wait-for-rollout" else "exit 0"
        (checkout / "ci" / step).write_text(_NOTING.format(notes=notes, last=last))
    git(checkout, "init", "--quiet", "--initial-branch=main")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message=first")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull}
    shell = Shell(environment, tmp_path, BedError, 60)
    with Registry("builder", "s3cret") as registry:
        agent = Agent(shell, checkout, registry, {}, {"deploy": {"SECRET": "known"}})
        with pytest.raises(BedError, match="the stage wait ended with 3"):
            agent.build()
        assert len(registry.manifests) == 2
    assert notes.read_text().splitlines() == [
        "test-app hello nothing",
        "scan-image hello nothing",
        "deploy-image hello known",
        "wait-for-rollout hello nothing",
    ]
    with pytest.raises(BedError, match=r"\[\] changed since HEAD"):
        agent.build("HEAD")
