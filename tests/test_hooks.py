"""The hooks of pre-commit: `make test` runs the same ones, and each of them finds what it is there for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipeline.world import ROOT

CONFIGURATION = ".pre-commit-config.yaml"
BIN = Path(sys.executable).parent
# What a hook must refuse, by the file that holds it.
FAULTS = {
    # In two halves, or the hook would refuse this file.
    "codespell": ("notes.md", f"It is {'wir'}tten wrongly.\n"),
    "yamllint": ("twice.yaml", "name: home\nname: lab\n"),
    "shellcheck": ("remove.sh", "#!/bin/sh\nrm -r $1\n"),
}


def hooks() -> dict[str, str]:
    """Return the command of each hook by its id."""
    (repository,) = yaml.safe_load((ROOT / CONFIGURATION).read_text())["repos"]
    return {hook["id"]: hook["entry"] for hook in repository["hooks"]}


def test_make_test_runs_the_program_of_every_hook() -> None:
    (recipe,) = re.findall(r"(?m)^test: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text())
    run = set(re.findall(r"\$\(BIN\)/(\S+)", recipe)) | set(re.findall(r"for hook in ([^;]+);", recipe)[0].split())
    programs = {entry.split()[0].removeprefix(".venv/bin/") for entry in hooks().values()}
    assert programs - run == set()


@pytest.mark.parametrize("hook", FAULTS)
def test_a_hook_refuses_what_it_is_there_for_and_lets_the_rest_pass(hook: str, tmp_path: Path) -> None:
    for name in (CONFIGURATION, ".yamllint", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(BIN)
    assert run(hook, tmp_path) == 0
    name, text = FAULTS[hook]
    (tmp_path / name).write_text(text)
    assert run(hook, tmp_path) == 1


def run(hook: str, folder: Path) -> int:
    """Return the exit code of a hook over everything that lies in a repository."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["PRE_COMMIT_HOME"] = str(folder / ".git" / "pre-commit")
    for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):
        subprocess.run(command, cwd=folder, check=True, env=environment)
    look = [str(BIN / "pre-commit"), "run", "--all-files", hook]
    return subprocess.run(look, cwd=folder, env=environment, capture_output=True, check=False, timeout=60).returncode
