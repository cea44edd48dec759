"""Where charts are found, and what completes one that comes from sources."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.real_charts import source
from tests.real_charts.source import find
from tests.toolchain.tool import read_tools

ROW: dict[str, Any] = {"chart": "sample", "version": "1.2.3"}


def chart(folder: Path, name: str, version: str, values: dict[str, Any] | None = None, **described: Any) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "Chart.yaml").write_text(yaml.safe_dump({"name": name, "version": version, **described}))
    (folder / name / "values.yaml").write_text(yaml.safe_dump(values or {}))
    return folder / name


def packed(given: Path, version: str, tmp_path: Path) -> None:
    folder = chart(tmp_path / version, "sample", version)
    with tarfile.open(given / f"sample-{version}.tgz", "w:gz") as archive:
        archive.add(folder, "sample")


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    monkeypatch.setenv("FMC_CHARTS", str(folder))
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_an_archive_of_the_pinned_version_comes_first(given: Path, work: Path, tmp_path: Path) -> None:
    packed(given, "1.2.3", tmp_path)
    packed(given, "1.10.0", tmp_path)
    found = find(ROW, work)
    assert found is not None
    assert (found.version, found.origin) == ("1.2.3", "archive")


def test_else_the_newest_archive_counts(given: Path, work: Path, tmp_path: Path) -> None:
    packed(given, "1.9.0", tmp_path)
    packed(given, "1.10.0", tmp_path)
    found = find(ROW, work)
    assert found is not None
    assert found.version == "1.10.0"


def test_a_folder_gets_the_charts_that_it_depends_on_and_loses_those_that_are_off(given: Path, work: Path) -> None:
    chart(given, "library", "0.1.0", {"port": 80})
    wanted = [{"name": "library", "alias": "lib"}, {"name": "redis", "condition": "redis.enabled"}]
    chart(given, "sample", "2.0.0", {"redis": {"enabled": False}, "lib": {"host": "a"}}, dependencies=wanted)
    found = find(ROW, work)
    assert found is not None
    assert yaml.safe_load((found.folder / "Chart.yaml").read_text())["dependencies"] == wanted[:1]
    assert (found.folder / "charts/library/Chart.yaml").is_file()
    assert found.defaults["lib"] == {"host": "a", "port": 80}
    assert yaml.safe_load((given / "sample/Chart.yaml").read_text())["dependencies"] == wanted


def test_a_chart_that_lacks_another_is_told(given: Path, work: Path) -> None:
    chart(given, "sample", "2.0.0", {}, dependencies=[{"name": "library"}])
    with pytest.raises(LookupError, match="sample depends on the chart library: put it into FMC_CHARTS, too"):
        find(ROW, work)


def test_a_chart_inside_of_a_module_gets_the_modules_version(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart(tmp_path / "share", "cert-manager", "v0.0.0")
    monkeypatch.delenv("FMC_CHARTS", raising=False)
    monkeypatch.setattr(source, "is_built", lambda tool, folder: True)
    monkeypatch.setattr(source, "shared_files", lambda name: tmp_path / "share")
    found = find({"chart": "cert-manager", "version": "v1.0.0"}, work)
    assert found is not None
    assert (found.version, found.origin) == (read_tools()["cert-manager"].version, "Go module")


def test_what_is_nowhere_is_absent(given: Path, work: Path) -> None:
    assert find(ROW, work) is None
