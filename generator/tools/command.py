"""One type for every external program: what it is called, how long it may take, what its failure is called.

The idea is flux-local's `command.py`: a program is a value, and running it either gives a result or raises that
program's own error with the end of what it printed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from generator.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TAIL_LINES = 12


@dataclass(frozen=True)
class Result:
    """What a finished program left.

    Attributes:
        code: Exit code.
        stdout: Standard output, raw.
        stderr: Standard error, decoded, undecodable bytes replaced.
    """

    code: int
    stdout: bytes
    stderr: str


@dataclass(frozen=True)
class Command:
    """An external program.

    Attributes:
        program: Name on PATH, or a path.
        timeout: Seconds after which it is killed.
        error: Type of the error that a failure raises.
        ok: Exit codes that are no failure.
        install_hint: How a person gets the program; shown when it is missing.
        environment: Variables added to the process's own.
    """

    program: str
    timeout: float = 60.0
    error: type[ToolError] = ToolError
    ok: frozenset[int] = frozenset({0})
    install_hint: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def find(self) -> str | None:
        """Return the program's full path, or None when it is not there."""
        return shutil.which(self.program)

    def run(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        """Run the program to its end.

        Args:
            arguments: Everything after the program's name; never a secret, since others can read it.
            stdin: What it reads; nothing (an empty input) when None.
            cwd: Folder to run in.
            environment: Further variables for this run.

        Returns:
            Exit code and output; the code is one of `ok`.

        Raises:
            ToolError: (or the type in `error`) missing, killed after the timeout, or failed.
        """
        name = self.program.rsplit("/", 1)[-1]
        executable = self.find()
        if executable is None:
            raise self.error(f"{name} was not found on PATH", fix=self.install_hint or None)
        try:
            done = subprocess.run(  # noqa: S603
                [executable, *arguments],
                input=stdin or b"",
                capture_output=True,
                timeout=self.timeout,
                cwd=cwd,
                env={**os.environ, **self.environment, **(environment or {})},
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise self.error(f"{name} did not finish within {self.timeout:g} s and was stopped") from error
        except OSError as error:
            raise self.error(f"{name} can't be started: {error.strerror or error}") from error
        stderr = done.stderr.decode(errors="replace")
        if done.returncode not in self.ok:
            tail = "\n".join((stderr or done.stdout.decode(errors="replace")).strip().splitlines()[-_TAIL_LINES:])
            raise self.error(f"{name} ended with exit code {done.returncode}" + (f":\n{tail}" if tail else ""))
        return Result(done.returncode, done.stdout, stderr)
