"""Renders the template of this work tree for the tests of what it gives."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plumbum import local

from generator.template.compiled import compiled_once
from generator.template.imported import imported_once
from generator.template.prepared import prepared_once
from generator.template.quickened import quickened
from tests.conftest import require_tool
from tests.side_by_side import alone, common_folder
from tests.warm_python import write_script

Render = Callable[..., Path]
Ansible = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """A function `render(answers, layout)`; see `renderer`."""
    return renderer(tmp_path_factory)


def renderer(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Return a function `render(answers, layout)` that gives the folder of the rendered repository.

    The same answers and layout give the same folder again, to each of the processes that run tests side by side: do
    not write into it.
    """
    return rendering(common_folder(tmp_path_factory) / "renderings")


def rendering(folder: Path) -> Render:
    """Return such a function for those who are no test; it writes below a folder."""
    rendered: dict[str, Path] = {}
    folder.mkdir(exist_ok=True)

    def run(answers: dict[str, Any], layout: str) -> Path:
        data = answers | {"layout": layout}
        key = json.dumps(data, sort_keys=True, default=str)
        if key not in rendered:
            place = folder / hashlib.sha256(key.encode()).hexdigest()[:32]
            with alone(place.with_suffix(".lock")):
                if not place.exists():
                    new = Path(tempfile.mkdtemp(prefix=layout, dir=folder)) / "repository"
                    _copy(data, new)
                    new.parent.rename(place)
            rendered[key] = place / "repository"
        return rendered[key]

    return run


def _copy(data: dict[str, Any], destination: Path) -> None:
    import copier

    # Without git on the PATH Copier renders the folder as it lies, uncommitted files included.
    with (
        local.env(PATH="/nonexistent"), compiled_once(data["layout"]), prepared_once(), imported_once(), quickened(),
    ):  # fmt: skip
        copier.run_copy(str(ROOT), destination, data=data, defaults=True, quiet=True, settings=copier.Settings())


@pytest.fixture(scope="session")
def ansible(ansible_playbook: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    """A function `ansible(folder, program, *arguments)` that runs a program of Ansible's in a folder of playbooks."""
    home, programs = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("programs")
    # ansible-lint starts it for each playbook and each file of tasks.
    write_script(programs / "ansible-playbook", f'exec {shlex.join(ansible_playbook)} "$@"')

    def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = require_tool(program)
        command = ansible_playbook if program == "ansible-playbook" else (path,)
        environment = {
            "PATH": os.pathsep.join(map(str, (programs, path.resolve().parent, path.parent, os.environ["PATH"]))),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "NO_COLOR": "1",
            # Beside the plugins, in the tree that other tests look at.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            [*command, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    return run
