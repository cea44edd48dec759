"""Where real charts are: in the folder FMC_CHARTS, or inside of a Go module that the toolchain gets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.toolchain.build import is_built, shared_files, tools_folder
from tests.toolchain.tool import read_tools

if TYPE_CHECKING:
    from tests.template.components import Row

# The charts that lie in Go modules, by the tool of tools.toml that brings them.
MODULES = {"sealed-secrets": "sealed-secrets", "cert-manager": "cert-manager"}
_NO_VERSION = "v0.0.0"


@dataclass(frozen=True)
class Chart:
    """A real chart.

    Attributes:
        folder: Where it lies, complete: with the charts that it depends on.
        version: Its own version, which may be another one than the row's where that one could not be had.
        origin: Where it is from, for people.
    """

    folder: Path
    version: str
    origin: str

    @property
    def defaults(self) -> dict[str, Any]:
        """Return the values that it comes with, those of the charts inside of it below their names."""
        return _defaults(self.folder)


def find(row: Row, work: Path) -> Chart | None:
    """Return the chart of a row; None where there is none here.

    Args:
        row: A row with a chart.
        work: A folder for what is unpacked or completed.

    Raises:
        LookupError: It depends on a chart that is not here.
    """
    name, version = row["chart"], row["version"]
    given = Path(os.environ.get("FMC_CHARTS") or "/nonexistent")
    target = work / name
    for archive in (given / f"{name}-{version}.tgz", *sorted(given.glob(f"{name}-[0-9v]*.tgz"), key=_age)):
        if archive.is_file():
            # Before 3.11.4 tarfile trusts every archive.
            subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(work)], check=True)
            return _complete(target, given, "archive")
    if (given / name / "Chart.yaml").is_file():
        shutil.copytree(given / name, target)
        return _complete(target, given, "folder")
    tool = read_tools()[MODULES[name]] if name in MODULES else None
    if tool is not None and is_built(tool, tools_folder()):
        shutil.copytree(shared_files(tool.name) / name, target)
        described = _described(target)
        if described.get("version", _NO_VERSION) == _NO_VERSION:
            # The project gives its chart the version when it packages it.
            described |= {"version": tool.version, "appVersion": tool.version}
            (target / "Chart.yaml").write_text(yaml.safe_dump(described))
        return _complete(target, given, "Go module")
    return None


def _age(archive: Path) -> list[int]:
    """Return what sorts archives by their versions, newest first."""
    return [-int(number) for number in re.findall(r"\d+", archive.name)]


def _described(folder: Path) -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load((folder / "Chart.yaml").read_text())
    return described


def _complete(folder: Path, given: Path, origin: str) -> Chart:
    """Put the charts that it depends on into a chart from sources, without those that are off unless asked for."""
    described = _described(folder)
    kept = []
    for wanted in described.get("dependencies", []):
        name = wanted["name"]
        if list((folder / "charts").glob(f"{name}*")):
            kept.append(wanted)
        elif (given / name / "Chart.yaml").is_file():
            shutil.copytree(given / name, folder / "charts" / name)
            _complete(folder / "charts" / name, given, origin)
            kept.append(wanted)
        elif not _is_on(folder, wanted):
            continue
        else:
            raise LookupError(f"{folder.name} depends on the chart {name}: put it into FMC_CHARTS, too")
    if kept != described.get("dependencies", []):
        (folder / "Chart.yaml").write_text(yaml.safe_dump(described | {"dependencies": kept}))
    (folder / "Chart.lock").unlink(missing_ok=True)
    return Chart(folder, str(described["version"]), origin)


def _is_on(folder: Path, dependency: dict[str, Any]) -> bool:
    value: Any = yaml.safe_load((folder / "values.yaml").read_text())
    for step in str(dependency.get("condition", "")).split(",")[0].split("."):
        value = value.get(step, {}) if isinstance(value, dict) else {}
    return value is not False


def _defaults(folder: Path) -> dict[str, Any]:
    file = folder / "values.yaml"
    own: dict[str, Any] = (yaml.safe_load(file.read_text()) if file.is_file() else None) or {}
    for wanted in _described(folder).get("dependencies", []):
        inner = folder / "charts" / wanted["name"]
        if inner.is_dir():
            below = own.get(wanted.get("alias", wanted["name"])) or {}
            own[wanted.get("alias", wanted["name"])] = _merged(_defaults(inner), below)
    return own


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        inner = result.get(key)
        result[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result
