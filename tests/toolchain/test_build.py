"""The build of the test tools: pinned, once, whole or not at all; and what a test without its tool says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.toolchain import build as builder
from tests.toolchain import recipes
from tests.toolchain.build import build
from tests.toolchain.tool import HERE, BuildError, Tool, read_tools

if TYPE_CHECKING:
    from pathlib import Path

ROOT = HERE.parents[1]


class Builds:
    """Stands for the real build: counts, and leaves a program that prints a number."""

    def __init__(self) -> None:
        self.count = 0
        self.fails = False

    def __call__(self, tool: Tool, target: Path) -> None:
        self.count += 1
        for program in tool.programs:
            (target / "bin" / program).write_text(f"#!/bin/sh\necho {self.count}\n")
            (target / "bin" / program).chmod(0o755)
        if self.fails:
            raise BuildError("no compiler")


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Builds:
    builds = Builds()
    monkeypatch.setitem(recipes.BUILD, "go", builds)
    return builds


@pytest.mark.parametrize("tool", [tool for tool in read_tools().values() if tool.locks], ids=lambda tool: tool.name)
def test_the_lock_files_hold_the_pinned_versions_with_checksums(tool: Tool) -> None:
    texts = [lock.read_text() for lock in tool.locks]
    if tool.kind == "go":
        for module, version in tool.modules.items():
            served_as = tool.spec.get("served_as", module)
            assert re.search(rf"{re.escape(served_as)} {re.escape(version)}\b", texts[0])
            assert f"{served_as} {version} h1:" in texts[1]
    elif tool.kind == "own":
        for module, version in re.findall(r"^\t(\S+) (v\S+)", texts[0], re.MULTILINE):
            assert f"{module} {version} h1:" in texts[1]
    else:
        for package in tool.spec["packages"]:
            assert f"\n{package} \\\n    --hash=sha256:" in texts[0]


def test_a_tool_is_built_once_and_linked(builds: Builds, tmp_path: Path) -> None:
    tool = read_tools()["kubeconform"]
    assert build(tool, tmp_path) > 0
    assert build(tool, tmp_path) == 0
    assert builds.count == 1
    assert subprocess.check_output([tmp_path / "kubeconform"]) == b"1\n"


def test_another_version_replaces_it(builds: Builds, tmp_path: Path) -> None:
    tool = read_tools()["kubeconform"]
    build(tool, tmp_path)
    build(Tool(tool.name, tool.kind, {**tool.spec, "version": "v0.0.1"}), tmp_path)
    assert subprocess.check_output([tmp_path / "kubeconform"]) == b"2\n"
    assert len(list((tmp_path / ".builds" / "kubeconform").iterdir())) == 1


def test_a_build_that_failed_is_not_used_and_tried_again(builds: Builds, tmp_path: Path) -> None:
    tool = read_tools()["kubeconform"]
    builds.fails = True
    with pytest.raises(BuildError):
        build(tool, tmp_path)
    assert not (tmp_path / "kubeconform").exists()
    builds.fails = False
    build(tool, tmp_path)
    assert subprocess.check_output([tmp_path / "kubeconform"]) == b"2\n"


def test_a_module_with_another_sum_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = read_tools()["cert-manager"]
    chart = tmp_path / "module" / tool.spec["files"][0]
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: cert-manager\n")
    served = {"Dir": str(tmp_path / "module"), "Sum": "h1:another="}
    monkeypatch.setattr(recipes, "_json", lambda command, cwd: served)
    monkeypatch.setattr(recipes, "_go", lambda: "go")
    with pytest.raises(BuildError, match=r"has the sum h1:another=, and tools\.toml says h1:"):
        build(tool, tmp_path / "cache")
    served["Sum"] = tool.spec["sum"]
    build(tool, tmp_path / "cache")
    (found,) = (tmp_path / "cache/.builds/cert-manager").glob("*/share/cert-manager/Chart.yaml")
    assert found.read_text() == "name: cert-manager\n"


def test_without_go_it_says_what_is_missing_and_builds_the_rest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = []
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("FMC_TOOLS_DIR", str(tmp_path))
    monkeypatch.setitem(recipes.BUILD, "python", lambda tool, target: built.append(tool.name))
    assert builder.main([]) == 1
    assert built == ["ansible", "check-jsonschema"]
    assert "sealed-secrets v0.40.0: Go is not on PATH; 1.26.8 or later is needed" in capsys.readouterr().err


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        builder.main(["kubesael"])
    assert "unknown: kubesael; known: actionlint, alertmanager, amtool, ansible" in capsys.readouterr().err


CASE = """
import pytest
from tests.conftest import require_tool

@pytest.mark.parametrize("program", ["kubeseal", "kubeseal", "cloud-init"])
def test_it(program):
    assert require_tool(program).name == program
"""


def pytest_run(tmp_path: Path, **environment: str) -> str:
    (tmp_path / "test_case.py").write_text(CASE)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-q"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FMC_", "PYTEST_"))}
    variables = {**inherited, "PATH": "/nonexistent", "FMC_TOOLS_DIR": str(tmp_path / "tools"), **environment}
    arguments = [*command, "--rootdir", str(tmp_path), str(tmp_path)]
    return subprocess.run(arguments, cwd=ROOT, env=variables, capture_output=True, text=True, check=False).stdout


def test_missing_tools_are_listed_at_the_end_with_the_way_to_get_them(tmp_path: Path) -> None:
    output = pytest_run(tmp_path)
    assert "3 skipped" in output
    assert "kubeseal: 2 tests skipped; to get it: make tools" in output
    assert "cloud-init: 1 test skipped; to get it: apt-get install cloud-init" in output


def test_missing_tools_fail_where_they_are_required(tmp_path: Path) -> None:
    output = pytest_run(tmp_path, FMC_REQUIRE_TOOLS="1")
    assert "3 failed" in output
    assert f"needs the program kubeseal, which is neither in {tmp_path / 'tools'} nor on PATH" in output


def test_tools_are_found_in_the_folder_and_on_path(tmp_path: Path) -> None:
    for program in (tmp_path / "tools" / "kubeseal", tmp_path / "path" / "cloud-init"):
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    assert "3 passed" in pytest_run(tmp_path, PATH=str(tmp_path / "path"))
