"""A program of the bed: started, watched, stopped; and what is said when that fails."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from generator.tools.command import Command
from tests.e2e.bed.daemon import Daemon
from tests.e2e.bed.errors import BedError

Start = Callable[..., Daemon]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Start]:
    started: list[Daemon] = []

    def make(script: str, *, ports: Sequence[int] = (), stdin: bytes = b"") -> Daemon:
        daemon = Daemon(
            name="sleeper",
            command=Command("sh"),
            arguments=["-c", script],
            log=tmp_path / "log" / "sleeper.log",
            environment={"PATH": os.environ["PATH"]},
            ports=ports,
            stdin=stdin,
        )
        started.append(daemon)
        return daemon

    yield make
    for daemon in started:
        daemon.kill()


def test_it_runs_until_it_is_stopped(shell: Start) -> None:
    daemon = shell("exec sleep 60")
    assert not daemon.alive
    daemon.start()
    assert daemon.alive
    assert daemon.memory_mib > 0
    daemon.stop()
    assert not daemon.alive
    assert daemon.memory_mib == 0


def test_it_gets_its_own_environment_and_its_input(shell: Start) -> None:
    daemon = shell('echo "$HOME-$(cat)"', stdin=b"typed")
    daemon.start()
    deadline = time.monotonic() + 5
    while daemon.alive and time.monotonic() < deadline:
        time.sleep(0.01)
    assert daemon.log_tail() == "-typed"


def test_one_that_ends_too_early_is_named_with_the_end_of_its_log(shell: Start) -> None:
    daemon = shell("echo no such flag >&2; exit 3")
    daemon.start()
    with pytest.raises(BedError, match="sleeper ended with exit code 3:\nno such flag"):
        daemon.wait_ready(lambda: False, timeout=5)


def test_a_long_line_of_its_log_is_cut_off(shell: Start) -> None:
    daemon = shell("printf 'refused %01000d\\n' 0 >&2; exit 3")
    daemon.start()
    with pytest.raises(BedError, match="exit code 3:\nrefused 0"):
        daemon.wait_ready(lambda: False, timeout=5)
    assert len(daemon.log_tail()) == 400


def test_a_port_that_is_taken_is_named_before_anything_starts(shell: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        daemon = shell("exec sleep 60", ports=[port])
        with pytest.raises(BedError, match=f"sleeper needs port {port}") as raised:
            daemon.start()
    assert raised.value.fix is not None
    assert "make e2e" in raised.value.fix
    assert not daemon.alive


def test_a_missing_program_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    command = Command("/nonexistent/etcd", install_hint="Run `make e2e-tools`.")
    with pytest.raises(BedError, match="/nonexistent/etcd is missing") as raised:
        Daemon("etcd", command, [], tmp_path / "log").start()
    assert raised.value.fix == "Run `make e2e-tools`."
