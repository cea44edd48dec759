"""ci/check of a rendered repository: fmc and the hooks of the release that rendered it; here both are stand-ins."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.ci.forges import ANSWERS
from tests.delivery.workspace import git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

# Makes an environment whose programs write down how they were called; the real python3 does everything else.
_PYTHON = """#!/bin/sh
[ "$2" = venv ] || exec "$REAL_PYTHON" "$@"
mkdir -p "$3/bin"
for name in python fmc pre-commit; do
  printf '#!/bin/sh\\necho "%s $*" >>"$NOTES"\\n[ "$FAILS" != %s ]\\n' "$name" "$name" >"$3/bin/$name"
  chmod +x "$3/bin/$name"
done
"""


@pytest.fixture
def checkout(render: Render, tmp_path: Path) -> Path:
    """A rendered repository beside the template's own, with the commit that it was rendered from, and a newer one."""
    template = tmp_path / "template"
    template.mkdir()
    git(template, "init", "--quiet", "--initial-branch=main")
    (template / "requirements.lock").write_text("")
    for message in ("the release", "a newer one"):
        git(template, "add", "--all")
        person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        git(template, *person, "commit", "--quiet", "--allow-empty", f"--message={message}")
    origin = {"_src_path": f"file://{template}", "_commit": git(template, "rev-parse", "--short", "HEAD~1")}
    root = tmp_path / "argocd"
    shutil.copytree(render(ANSWERS | {"ci": "none"}, "argocd"), root)
    answers = root / ".copier-answers.yml"
    lines = [line for line in answers.read_text().splitlines() if not line.startswith(tuple(origin))]
    answers.write_text("\n".join([*lines, *(f"{name}: '{value}'" for name, value in origin.items()), ""]))
    return root


def check(checkout: Path, fails: str = "", **variables: str) -> tuple[int, str, list[str]]:
    folder = checkout.parent
    program = folder / "bin/python3"
    program.parent.mkdir(exist_ok=True)
    program.write_text(_PYTHON)
    program.chmod(0o755)
    (folder / "temporary").mkdir(exist_ok=True)
    environment = {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "REAL_PYTHON": shutil.which("python3") or "",
        "NOTES": str(folder / "notes"),
        "FAILS": fails,
        "HOME": str(folder),
        "TMPDIR": str(folder / "temporary"),
        **variables,
    }
    done = subprocess.run(
        [checkout / "ci/check"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    notes = folder / "notes"
    return done.returncode, done.stdout + done.stderr, notes.read_text().splitlines() if notes.exists() else []


def test_fmc_and_the_hooks_look_at_the_checkout_with_pinned_packages_and_leave_nothing(checkout: Path) -> None:
    code, said, notes = check(checkout)
    assert code == 0, said
    locked, own, judged, hooks = notes
    assert locked.endswith("install --require-hashes --requirement requirements.lock")
    assert own.endswith("install --no-deps --no-build-isolation .")
    assert judged.startswith("fmc check --workspace ")
    assert hooks == "pre-commit run --all-files --show-diff-on-failure"
    assert list((checkout.parent / "temporary").iterdir()) == []


@pytest.mark.parametrize("program", ["fmc", "pre-commit"])
def test_what_one_of_them_finds_fails_the_check_and_both_are_run(checkout: Path, program: str) -> None:
    code, said, notes = check(checkout, fails=program)
    assert code == 1, said
    assert [note.split()[0] for note in notes[-2:]] == ["fmc", "pre-commit"]


def test_a_folder_of_somebodys_computer_is_no_address(checkout: Path) -> None:
    answers = checkout / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("file://", ""))
    code, said, notes = check(checkout)
    assert (code, notes) == (4, [])
    assert "no address that everybody reaches" in said
    assert "FMC_TEMPLATE_URL" in said
    # The remedy.
    assert check(checkout, FMC_TEMPLATE_URL=f"file://{checkout.parent}/template")[0] == 0


def test_a_release_that_is_not_there_is_said(checkout: Path) -> None:
    answers = checkout / ".copier-answers.yml"
    lines = [line for line in answers.read_text().splitlines() if not line.startswith("_commit")]
    answers.write_text("\n".join([*lines, "_commit: v9.9.9", ""]))
    code, said, notes = check(checkout)
    assert (code, notes) == (4, [])
    assert "has no fmc v9.9.9 that can be had" in said
