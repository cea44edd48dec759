"""A program that keeps running: started, watched, and stopped with all that it started; it does not outlive fmc."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from generator.errors import ToolError
from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LINES = 8
_ENDS_WITH_FMC = ("setpriv", "--pdeathsig", "KILL", "--")


class Daemon:
    """A program that runs in a folder.

    Attributes:
        name: What it is called in messages.
    """

    def __init__(self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            name: What it is called in messages, and its log in the folder.
            command: The program and its arguments; never a secret, since others can read them.
            folder: Where it runs.
            environment: All of its variables.

        Raises:
            ToolError: It can't be started.
        """
        self.name = name
        self._log = folder / f"{name}.log"
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603
                    [*_ENDS_WITH_FMC, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=folder,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            raise ToolError(f"{name} can't be started: {error.strerror or error}") from error

    @property
    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    def said(self) -> str:
        """Return the end of what it wrote."""
        lines = self._log.read_text(errors="replace").splitlines()[-_LINES:]
        return "\n".join(printable(line) for line in lines)

    def stop(self) -> None:
        """End it, and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
