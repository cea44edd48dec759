"""kubeconform is installed from exactly the pinned content, or not at all."""

from __future__ import annotations

import os
import shlex
import subprocess
import tarfile
from pathlib import Path

import pytest

from generator.errors import ToolError, WriteError
from generator.tools.install import CONTENT, MODULE, VERSION, InstallError, find_tool, install_kubeconform, verify
from tests.conftest import require_tool
from tests.tools.conftest import ReleaseServer, digest, make_archive

ARCHIVE = make_archive((tarfile.TarInfo("kubeconform"), b"released"))

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


@pytest.fixture
def no_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Go, not even the system's."""
    monkeypatch.setenv("PATH", str(folder.parent / "bin"))


@pytest.fixture
def amd64(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The digest of the archive for this machine, which is an amd64."""
    _machine(monkeypatch, "Linux", "x86_64")
    return {"linux-amd64": digest(ARCHIVE)}


def _machine(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((system, "node", "6.12", "#1", machine)))


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


@pytest.mark.parametrize(
    ("machine", "kind"), [("x86_64", "linux-amd64"), ("aarch64", "linux-arm64")], ids=["amd64", "arm64"]
)
def test_without_go_it_comes_out_of_the_release_for_this_machine(
    folder: Path, no_go: None, monkeypatch: pytest.MonkeyPatch, server: ReleaseServer, machine: str, kind: str
) -> None:
    _machine(monkeypatch, "Linux", machine)
    server.serve(ARCHIVE)
    archives = {"linux-amd64": "0" * 64, "linux-arm64": "0" * 64, kind: digest(ARCHIVE)}
    assert install_kubeconform(server.url, archives) == folder / "kubeconform"
    assert server.seen == [f"/{VERSION}/kubeconform-{kind}.tar.gz"]
    assert (folder / "kubeconform").read_bytes() == b"released"
    assert find_tool("kubeconform") == folder / "kubeconform"


def test_where_go_can_not_build_it_comes_out_of_the_release(
    folder: Path, amd64: dict[str, str], server: ReleaseServer
) -> None:
    _go(folder, install="echo go.mod requires go 1.26 >&2; exit 1")
    server.serve(ARCHIVE)
    install_kubeconform(server.url, amd64)
    assert (folder / "kubeconform").read_bytes() == b"released"


def test_where_both_ways_fail_it_says_why(folder: Path, amd64: dict[str, str], nobody: str) -> None:
    _go(folder, install="echo no such module >&2; exit 1")
    with pytest.raises(ToolError, match=r"(?s)no such module.*either: .*Connection refused") as caught:
        install_kubeconform(nobody, amd64)
    assert caught.value.fix
    assert list(folder.iterdir()) == []


def test_what_go_built_from_other_content_is_not_made_good_by_a_download(
    folder: Path, amd64: dict[str, str], server: ReleaseServer
) -> None:
    _go(folder, DESCRIPTION.replace(VERSION, "v0.7.0"))
    server.serve(ARCHIVE)
    with pytest.raises(InstallError, match="something else"):
        install_kubeconform(server.url, amd64)
    assert server.seen == []


@pytest.mark.parametrize(
    ("system", "machine", "kind"), [("Linux", "armv7l", "linux-armv7l"), ("Darwin", "arm64", "darwin-arm64")]
)
def test_without_go_a_machine_of_another_kind_is_told_what_to_do(
    folder: Path, no_go: None, monkeypatch: pytest.MonkeyPatch, system: str, machine: str, kind: str
) -> None:
    _machine(monkeypatch, system, machine)
    with pytest.raises(InstallError, match=f"for linux-amd64 and linux-arm64, and this machine is {kind}") as caught:
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
