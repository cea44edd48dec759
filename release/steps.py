"""The steps of a release, in their order."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import FmcError, ToolError
from generator.tools.command import Command
from release import changelog, version

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from release.checkout import Checkout

GATE = ("make", "test")
_BUILD = Command(sys.executable, timeout=600.0)


@dataclass(frozen=True)
class Released:
    """What a release left on this machine.

    Attributes:
        tag: The name of its annotated tag.
        files: The wheel and the source distribution.
    """

    tag: str
    files: tuple[Path, ...]


def refusals(checkout: Checkout, wanted: str) -> list[FmcError]:
    """Return every reason why a version can't be released now."""
    tests: list[Callable[[], object]] = [
        checkout.require_clean_branch,
        lambda: version.require_next(wanted, checkout.tags()),
        lambda: version.write(checkout.read(version.FILE), wanted),
    ]
    if not _is_committed(checkout, wanted):
        tests.append(lambda: changelog.notes(checkout.read(changelog.FILE)))
    found = []
    for test in tests:
        try:
            test()
        except FmcError as error:
            found.append(error)
    return found


def pass_gate(checkout: Checkout) -> None:
    """Run all tests.

    Raises:
        ToolError: They fail.
    """
    if subprocess.run(GATE, cwd=checkout.root, check=False).returncode:
        raise ToolError(
            f"`{' '.join(GATE)}` fails: nothing was released", fix="Mend what it says, commit, and run this again."
        )


def release(checkout: Checkout, wanted: str, day: date) -> Released:
    """Make the commit, the wheel and the source distribution apart, and take them over once all of them are there.

    Killed before the end, the same command makes the same release: nothing was moved, or the tag alone is missing.

    Args:
        checkout: The checkout, about which `refusals` has nothing to say.
        wanted: The version, without "v".
        day: The day that the changelog names.

    Raises:
        ToolError: git or the build fails; branch, tag and files are as they were.
    """
    tag = version.tag(wanted)
    with checkout.apart() as apart:
        commit = apart.head() if _is_committed(checkout, wanted) else _commit(apart, wanted, day)
        built = _build(apart.root)
        checkout.publish_here(commit, tag, f"fmc {wanted}")
        destination = checkout.root / "dist"
        destination.mkdir(exist_ok=True)
        return Released(tag, tuple(Path(shutil.move(file, destination / file.name)) for file in built))


def template_address(root: Path) -> str:
    """Return the template's Git address that the wheel tells, "" where pyproject.toml names none."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return str(project.get("urls", {}).get("Template", ""))


def _message(wanted: str) -> str:
    return f"Release {version.tag(wanted)}"


def _is_committed(checkout: Checkout, wanted: str) -> bool:
    """Say whether a run was killed between the commit and its tag."""
    return checkout.subject() == _message(wanted) and version.tag(wanted) not in checkout.tags()


def _commit(apart: Checkout, wanted: str, day: date) -> str:
    files = {
        version.FILE: version.write(apart.read(version.FILE), wanted),
        changelog.FILE: changelog.release(apart.read(changelog.FILE), wanted, day),
    }
    return apart.commit(files, _message(wanted))


def _build(source: Path) -> list[Path]:
    """Build from what is committed alone; the folder is a checkout that nobody works in."""
    destination = source / "dist"
    for kind in ("wheel", "sdist"):
        _BUILD.run(["-m", "hatchling", "build", "--target", kind, "--directory", str(destination)], cwd=source)
    return sorted(destination.iterdir())
