"""A program in a real terminal, and what a person would see on its screen."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte

from .conftest import ROOT

ENTER = "\r"
SPACE = " "
DOWN = "\x1b[B"
CTRL_B = "\x02"
CTRL_C = "\x03"
CTRL_D = "\x04"
CLEAR = "\x15"


class _Screen(pyte.Screen):
    """A screen that answers the program's question where its cursor is."""

    answer: Callable[[str], object]

    def write_process_input(self, data: str) -> None:
        self.answer(data)


class Terminal:
    """The questionnaire, or another program, in a terminal of its own.

    Attributes:
        raw: Every byte that it wrote.
    """

    def __init__(
        self,
        answers: Path,
        *,
        command: Sequence[str] = (),
        cwd: Path = ROOT,
        columns: int = 100,
        lines: int = 50,
        **environment: str,
    ) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
        self.raw = b""
        self._screen = _Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        program, *arguments = command or (sys.executable, "-m", "tests.answers.driver", str(answers))
        self._child = pexpect.spawn(
            program,
            arguments,
            cwd=str(cwd),
            dimensions=(lines, columns),
            env=inherited | {"TERM": "xterm-256color", "HOME": str(answers.parent)} | environment,
        )
        self._screen.answer = self._child.send

    @property
    def screen(self) -> str:
        """The text on the screen, without what is blank at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def type(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self._child.send(key)

    def sees(self, text: str, seconds: float = 20) -> None:
        """Wait until a text is on the screen."""
        self._until(lambda: self._is_shown(text), f"waited for {text!r}", seconds)

    def no_longer_sees(self, text: str, seconds: float = 20) -> None:
        """Wait until a text has left the screen."""
        self._until(lambda: not self._is_shown(text), f"still shows {text!r}", seconds)

    def ends(self, seconds: float = 20) -> int:
        """Wait for the end of the program and return its exit code."""
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, f"does not end; the screen:\n{self.screen}"
        self._child.close()
        return int(self._child.exitstatus)

    def close(self) -> None:
        """End the program, if it still runs."""
        self._child.close(force=True)

    def _is_shown(self, text: str) -> bool:
        """Tell whether a text is on the screen, wherever its lines are broken."""
        return re.sub(r"\s", "", text) in re.sub(r"\s", "", self.screen)

    def _until(self, done: Callable[[], bool], reason: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            alive = self._read() and time.monotonic() < deadline
            assert alive or done(), f"{reason}; the screen:\n{self.screen}"

    def _read(self) -> bool:
        """Take what the program has written; False at its end."""
        if self._child.closed:
            return False
        try:
            written = self._child.read_nonblocking(65536, 0.05)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += written
        self._stream.feed(written)
        return True
