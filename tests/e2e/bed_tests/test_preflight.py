"""What a machine lacks for the bed is said at once, all of it, with the remedy."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.e2e import people
from tests.e2e.bed import preflight
from tests.e2e.bed.errors import BedError
from tests.e2e.bed.machine import require_own_network


def test_everything_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused = SimpleNamespace(returncode=1, stderr="unshare: unshare failed: Operation not permitted\n")
    monkeypatch.setattr("shutil.which", lambda name: None if name == "git" else f"/usr/bin/{name}")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: refused)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=7 * 2**20))
    monkeypatch.setattr(preflight, "MEMORY_MIB", 10**9)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("FMC_TOOLS_DIR", str(tmp_path))
    with pytest.raises(BedError) as raised:
        preflight.require_all()
    text = raised.value.message
    for part in (
        "you are not root: unshare: unshare failed: Operation not permitted",
        "MiB of memory are free, 1000000000 are needed",
        "7 MiB of disk are free",
        "not built: ",
        "kube-apiserver",
        "Run `make e2e-tools`.",
        "Run `make tools`.",
        "git is not on PATH",
    ):
        assert part in text


def test_the_bed_refuses_a_network_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    with pytest.raises(BedError, match="eth0") as raised:
        require_own_network()
    assert raised.value.fix is not None
    assert "make e2e" in raised.value.fix


@pytest.fixture
def _no_bed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(people, "FOLDER", tmp_path / "e2e-bed")


@pytest.mark.usefixtures("_no_bed")
def test_without_a_bed_the_verbs_say_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in (people.status, people.shell):
        with pytest.raises(BedError, match="no bed is up") as raised:
            verb()
        assert raised.value.fix == "Start one with `make e2e-up`."
    assert people.down() == 0
    assert capsys.readouterr().out == "No bed was up.\n"


@pytest.mark.usefixtures("_no_bed")
def test_another_process_with_the_number_of_the_bed_is_left_alone() -> None:
    people.FOLDER.mkdir()
    with subprocess.Popen(["sleep", "60"]) as other:
        (people.FOLDER / "pid").write_text(str(other.pid))
        assert people.down() == 0
        assert other.poll() is None
        other.kill()
    assert not people.FOLDER.exists()
