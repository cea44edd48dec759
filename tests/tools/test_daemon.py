"""Programs that keep running: they end with whoever started them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.errors import ToolError
from generator.tools.daemon import Daemon

ROOT = Path(__file__).parents[2]
_SCRIPT = "sleep 60 & echo $! > child; echo started; wait"
_OTHER = f"""
import os, signal, sys
from pathlib import Path
from generator.tools.daemon import Daemon
daemon = Daemon("one", ["sh", "-c", {_SCRIPT!r}], Path(sys.argv[1]), dict(os.environ))
while not Path(sys.argv[1], "child").exists(): pass
print(daemon._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def is_there(process: int) -> bool:
    """Tell whether a process runs; one that ended, and that nobody has asked about, does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def has_ended(process: int) -> bool:
    """Tell whether a process ends within half a minute: a signal is not felt at once on a busy machine."""
    deadline = time.monotonic() + 30
    while is_there(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_there(process)


def child_of(folder: Path) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (folder / "child").exists() and (text := (folder / "child").read_text().strip()):
            return int(text)
        time.sleep(0.01)
    raise AssertionError("it did not start")


def test_it_ends_with_all_that_it_started(tmp_path: Path) -> None:
    daemon = Daemon("one", ["sh", "-c", _SCRIPT], tmp_path, dict(os.environ))
    child = child_of(tmp_path)
    assert daemon.is_running
    daemon.stop()
    assert not daemon.is_running
    assert has_ended(child)
    assert daemon.said() == "started"
    daemon.stop()


def test_it_does_not_outlive_a_starter_that_is_killed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OTHER, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert has_ended(int(done.stdout))
    os.kill(child_of(tmp_path), signal.SIGKILL)


def test_what_it_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    daemon = Daemon("one", ["printf", "a\\033[2Jb\\n"], tmp_path, dict(os.environ))
    while daemon.is_running:
        time.sleep(0.01)
    assert daemon.said() == "a\N{REPLACEMENT CHARACTER}[2Jb"


def test_one_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="one can't be started: No such file"):
        Daemon("one", ["x"], tmp_path / "missing", dict(os.environ))
