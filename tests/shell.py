"""A person's shell: commands with an environment of its own, in a folder, to their end."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from generator.errors import FmcError
from tests.pipeline.world import Finished

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Shell:
    """Runs commands.

    Attributes:
        environment: Variables of every command.
        folder: Where commands run unless another folder is named.
    """

    def __init__(self, environment: dict[str, str], folder: Path, failure: type[FmcError], timeout: float) -> None:
        """Set it up.

        Args:
            environment: Variables of every command.
            folder: Where commands run unless another folder is named.
            failure: What a command that must succeed, and does not, raises.
            timeout: Seconds that a command may take.
        """
        self.environment, self.folder = environment, folder
        self._failure, self._timeout = failure, timeout

    def run(
        self,
        *command: str,
        cwd: Path | None = None,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a command to its end."""
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env={**self.environment, **(environment or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=self._timeout,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def do(
        self,
        *command: str,
        cwd: Path | None = None,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a command that must succeed, and return what it prints.

        Raises:
            FmcError: It failed; of the kind that the shell was given.
        """
        done = self.run(*command, cwd=cwd, stdin=stdin, environment=environment)
        if done.code:
            raise self._failure(f"{' '.join(command)} ended with exit code {done.code}:\n{done.all}")
        return done.out


def set_answers(answers: Mapping[str, Any]) -> list[str]:
    """Return the options of `fmc new` that set answers."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in answers.items()}
    return [word for name, text in texts.items() for word in ("--set", f"{name}={text}")]
