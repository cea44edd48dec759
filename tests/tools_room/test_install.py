"""kubeconform is installed from exactly the pinned content, or not at all."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from generator.errors import WriteError
from generator.tools.install import CONTENT, MODULE, VERSION, InstallError, find_tool, install_kubeconform, verify
from tests.conftest import require_tool

DESCRIPTION = (
    "kubeconform: go1.26.8\n\tpath\t"
    + MODULE
    + "/cmd/kubeconform\n"
    + "".join(
        f"\t{'mod' if name == MODULE else 'dep'}\t{name}\t{version}\t{content}\n"
        for name, (version, content) in CONTENT.items()
    )
    + "\tbuild\t-trimpath=true\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """fmc's own folder for programs, and a PATH with nothing but what a test puts into `bin`."""
    monkeypatch.setenv("FMC_TOOLS_DIR", str(tmp_path / "tools"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()
    return tmp_path / "tools"


def _go(folder: Path, description: str = DESCRIPTION, install: str = 'printf built > "$GOBIN/kubeconform"') -> Path:
    """A Go that writes down how it was called, builds a file, and describes it."""
    log = folder.parent / "calls"
    program = folder.parent / "bin" / "go"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {shlex.quote(str(log))}\n'
        f"case $1 in\ninstall) {install};;\nversion) printf '%s' {shlex.quote(description)};;\nesac\n"
    )
    program.chmod(0o755)
    return log


def test_it_is_built_at_the_pinned_version_and_put_into_our_own_folder(folder: Path) -> None:
    log = _go(folder)
    assert install_kubeconform() == folder / "kubeconform"
    assert (folder / "kubeconform").read_text() == "built"
    call = log.read_text().splitlines()[0]
    assert call.startswith("install ")
    assert call.endswith(f" {MODULE}/cmd/kubeconform@{VERSION}")
    assert [path.name for path in folder.iterdir()] == ["kubeconform"]


def test_an_earlier_one_is_replaced(folder: Path) -> None:
    folder.mkdir()
    (folder / "kubeconform").write_text("old")
    _go(folder)
    install_kubeconform()
    assert (folder / "kubeconform").read_text() == "built"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace(CONTENT[MODULE][1], "h1:" + "A" * 43 + "="), id="other content"),
        pytest.param(lambda text: text.replace(VERSION, "v0.7.0"), id="other version"),
        pytest.param(
            lambda text: text.replace("\tdep\tsigs.k8s.io/yaml", "\tdep\texample.com/yaml"), id="other module"
        ),
        pytest.param(lambda text: text + "\tdep\texample.com/more\tv1.0.0\th1:x=\n", id="module too many"),
        pytest.param(
            lambda text: text.replace("\n\tdep", "\n\t=>\texample.com/fork\tv1\th1:x=\n\tdep", 1), id="replaced"
        ),
        pytest.param(lambda _: "kubeconform: unknown\n", id="nothing known"),
    ],
)
def test_other_content_is_thrown_away(folder: Path, change: object) -> None:
    assert callable(change)
    folder.mkdir()
    (folder / "kubeconform").write_text("old")
    _go(folder, change(DESCRIPTION))
    with pytest.raises(InstallError, match="something else") as caught:
        install_kubeconform()
    assert caught.value.fix
    assert (folder / "kubeconform").read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["kubeconform"]


def test_a_build_that_fails_says_why(folder: Path) -> None:
    _go(folder, install="echo no such module >&2; exit 1")
    with pytest.raises(InstallError, match="no such module"):
        install_kubeconform()


def test_without_go_it_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder.parent / "bin"))
    with pytest.raises(InstallError, match="was not found on PATH") as caught:
        install_kubeconform()
    assert "Install Go" in (caught.value.fix or "")
    assert not folder.exists()


def test_a_folder_that_can_not_be_made_is_a_write_error(folder: Path) -> None:
    _go(folder)
    folder.write_text("a file")
    with pytest.raises(WriteError):
        install_kubeconform()


def test_our_own_folder_wins_over_the_path(folder: Path) -> None:
    assert find_tool("kubeconform") is None
    for place in (folder.parent / "bin", folder):
        place.mkdir(exist_ok=True)
        (place / "kubeconform").write_text("#!/bin/sh\n")
        (place / "kubeconform").chmod(0o755)
        assert find_tool("kubeconform") == place / "kubeconform"


@pytest.mark.tools
def test_the_real_one_is_built_from_what_is_pinned() -> None:
    program, go = require_tool("kubeconform"), require_tool("go")
    described = subprocess.run([go, "version", "-m", program], capture_output=True, text=True, timeout=60, check=True)
    verify(described.stdout)
