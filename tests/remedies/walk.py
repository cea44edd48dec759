"""Doing what a message says: its commands are taken from what was said, and run in a shell as they stand."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.errors import FmcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from generator.findings import Finding


def advice(attempt: Callable[[], object], beginning: str = "") -> str:
    """Return what an error says is to be done.

    Args:
        attempt: What has to fail.
        beginning: What that has to begin with.
    """
    with pytest.raises(FmcError) as caught:
        attempt()
    fix = caught.value.fix or ""
    assert beginning in fix, f"{caught.value.message}\n{fix}"
    return fix


def advised(findings: Iterable[Finding], rule: str) -> str:
    """Return what the first finding of a rule says is to be done."""
    found = list(findings)
    return next(finding.fix for finding in found if finding.rule == rule)


def commands(fix: str) -> list[str]:
    """Return the commands of a remedy: what stands between backticks."""
    return re.findall(r"`([^`]+)`", fix)


def do(command: str, folder: Path, **variables: str) -> str:
    """Run a command in a folder as a person does who pastes it into a shell, and return what it prints."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "GIT_EDITOR": "true", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
