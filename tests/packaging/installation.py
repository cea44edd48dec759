"""Builds the distribution from a copy of this work tree, and installs it where nothing of the work tree is seen."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import distribution, distributions
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.copier.releases import project_files
from tests.pipeline.world import ROOT

NAME = "flatcar-microcloud"
_TIMEOUT = 120


@dataclass(frozen=True)
class Installation:
    """A virtual environment with the wheel in it.

    Attributes:
        folder: The environment.
        packages: Its site-packages.
    """

    folder: Path
    packages: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def fmc(self) -> Path:
        return self.folder / "bin" / "fmc"

    @property
    def template(self) -> Path:
        return self.packages / "generator" / "_template"


def copy_work_tree(destination: Path) -> Path:
    """Copy what is or could be committed; a build writes into its source."""
    for name in project_files():
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, destination / name)
    return destination


def build(source: Path, kind: str, destination: Path) -> Path:
    """Build a `wheel` or an `sdist`, and return the file."""
    _run(sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(destination), cwd=source)
    (built,) = destination.iterdir()
    return built


def unpack(sdist: Path, destination: Path) -> Path:
    """Unpack a source distribution, and return its folder."""
    destination.mkdir()
    # Before 3.11.4 tarfile trusts every archive.
    _run("tar", "--extract", "--file", str(sdist), "--directory", str(destination))
    (folder,) = destination.iterdir()
    return folder


def content(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def install(wheel: Path, destination: Path) -> None:
    """Install a wheel without anything that it needs into a folder."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index")
    _run(*pip, "--target", str(destination), str(wheel))


def make_environment(wheel: Path, folder: Path) -> Installation:
    """Make an environment that holds the wheel, and of the packages here those alone that the wheel asks for."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    made = Installation(folder, packages)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(made.python))
    _run(*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    (own,) = distributions(name=NAME, path=[str(packages)])
    for name in _needed([Requirement(text) for text in own.requires or ()]):
        _link(name, packages)
    return made


def _needed(requirements: list[Requirement]) -> set[str]:
    """Return the names of distributions, with those that they need in turn."""
    found: set[str] = set()
    waiting = [(requirement, "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        inner = [Requirement(text) for text in distribution(name).requires or ()]
        if name not in found:
            waiting += [(item, "") for item in inner]
        waiting += [(item, asked) for item in inner if item.marker for asked in requirement.extras]
        found.add(name)
    return found


def _link(name: str, packages: Path) -> None:
    """Make the files of a distribution of this environment seen in another one."""
    found = distribution(name)
    tops = {PurePosixPath(file).parts[0] for file in found.files or ()} - {"..", "__pycache__"}
    for top in tops:
        target = packages / top
        if not target.exists():
            target.symlink_to(Path(str(found.locate_file(top))))


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
