"""A program that keeps running: started once, watched, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.bed.errors import BedError
from tests.e2e.bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from generator.tools.command import Command

_LOG_LINES, _LOG_COLUMNS = 15, 400
_STOP_SECONDS = 10


@dataclass
class Daemon:
    """A running program of the bed.

    Attributes:
        name: For messages, and of its log.
        command: The program.
        arguments: What follows its name.
        log: File that it writes to; appended to when it is started again.
        environment: Its whole environment.
        ports: TCP ports on loopback that it will listen on.
        stdin: What it reads at its start.
        wrapper: A program and its arguments that end by becoming this one.
    """

    name: str
    command: Command
    arguments: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[int] = ()
    stdin: bytes = b""
    wrapper: Sequence[str] = ()
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it.

        Raises:
            BedError: It is missing, or one of its ports is taken.
        """
        executable = self.command.find()
        if executable is None:
            raise BedError(f"{self.command.program} is missing", fix=self.command.install_hint)
        for port in self.ports:
            if is_listening(port):
                raise BedError(
                    f"{self.name} needs port {port} on loopback, and something else listens there",
                    fix="Stop it, or run the bed in a network namespace of its own, as `make e2e` does.",
                )
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.wrapper, executable, *self.arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # One that ends at once says why in its log.
            self._process.stdin.write(self.stdin)
            self._process.stdin.close()

    def wait_ready(self, probe: Callable[[], object], timeout: float = 60.0) -> None:
        """Wait until it does its work.

        Raises:
            BedError: It ended, or is not ready in time; with the end of its log.
        """

        def ready() -> object:
            if not self.alive:
                raise BedError(f"{self.name} ended with exit code {self.exit_code}:\n{self.log_tail()}")
            return probe()

        wait_for(f"{self.name} to be ready", ready, timeout=timeout, report=self.log_tail)

    def stop(self) -> None:
        """End it in its own way, or by force when it takes too long."""
        self._signal(signal.SIGTERM)
        if self._process is not None:
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once, with everything that it started."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    @property
    def alive(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Return its process id."""
        return self._process.pid if self._process is not None else None

    @property
    def exit_code(self) -> int | None:
        """Return what it ended with; None while it runs."""
        return self._process.poll() if self._process is not None else None

    @property
    def memory_mib(self) -> float:
        """Return its resident memory in MiB; 0 when it does not run."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except FileNotFoundError:
            return 0.0
        return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")), 0.0)

    def log_tail(self) -> str:
        """Return the end of its log, long lines cut off."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
            return "\n".join(line[:_LOG_COLUMNS] for line in lines)
        except FileNotFoundError:
            return ""

    def _signal(self, number: int) -> None:
        if self.alive:
            assert self._process is not None
            with suppress(ProcessLookupError):  # It may have ended just now.
                os.killpg(self._process.pid, number)


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether something accepts connections on a TCP port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0
