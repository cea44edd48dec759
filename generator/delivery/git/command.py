"""GitPython, loaded when the first git command is needed, and the one way in which delivery runs git through it."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from generator.errors import ToolError
from generator.tools.git import INSTALL, MINIMUM, PROGRAM, environment, forget_foreign_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import IO

    from git import Git, Repo


@dataclass(frozen=True)
class Output:
    """What a finished git command left.

    Attributes:
        code: Exit code; negative after a signal.
        out: Standard output, raw, without the last line break.
        err: Standard error; undecodable bytes are surrogates, which `messages.printable` drops.
    """

    code: int
    out: bytes
    err: str


def git_in(folder: Path) -> Git:
    """Return GitPython's git for a folder that need not be a repository.

    Raises:
        ToolError: git is missing or too old.
    """
    forget_foreign_repository()
    _load()
    from git import Git

    return _bounded(Git(folder), folder)


def repository_at(path: Path) -> Repo | None:
    """Return the repository whose top is this very folder, or None.

    Raises:
        ToolError: git is missing or too old.
    """
    forget_foreign_repository()
    _load()
    from git import InvalidGitRepositoryError, NoSuchPathError, Repo

    try:
        repo = Repo(path)
    except (InvalidGitRepositoryError, NoSuchPathError):
        return None
    _bounded(repo.git, path)
    return repo


def run(
    command: Callable[..., Any],
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Output:
    """Run one git command to its end; a failure is a result, not an exception.

    Args:
        command: A command of a GitPython `Git`, such as `repo.git.push`.
        arguments: Its arguments; never a secret, since others can read them.
        variables: Environment variables added to the process's own; `environment()` when None.
        timeout: Seconds after which git and its children are killed; None for commands that stay on this machine.
    """
    forget_foreign_repository()
    code, out, err = command(
        *arguments,
        with_extended_output=True,
        with_exceptions=False,
        stdout_as_string=False,
        kill_after_timeout=timeout,
        env=environment() if variables is None else variables,
    )
    return Output(code, out, err)


@contextmanager
def output_of(
    command: Callable[..., Any], *arguments: str, stdin: IO[bytes], variables: Mapping[str, str] | None = None
) -> Iterator[IO[bytes]]:
    """Give the standard output of a git command while it runs, and end it afterwards.

    Args:
        command: As for `run`.
        arguments: As for `run`.
        stdin: What it reads.
        variables: As for `run`.
    """
    forget_foreign_repository()
    # GitPython closes the streams as soon as nothing refers to what it returns.
    started = command(*arguments, istream=stdin, as_process=True, env=environment() if variables is None else variables)
    try:
        yield started.proc.stdout
    finally:
        started.proc.kill()
        started.proc.communicate()


def _bounded(git: Git, folder: Path) -> Git:
    """Keep git from taking the repository around a folder for the folder's own."""
    git.update_environment(GIT_CEILING_DIRECTORIES=str(folder.absolute().parent))
    return git


@cache
def _load() -> None:
    """Import GitPython, once, in an environment where it finds the same git as everybody else."""
    os.environ.pop("GIT_PYTHON_GIT_EXECUTABLE", None)
    # GitPython's own import fails with a page of advice where git is missing.
    if shutil.which(PROGRAM) is None:
        raise ToolError("git was not found on PATH", fix=INSTALL)
    # It logs tracebacks of errors that it raises as well.
    logging.getLogger("git").addHandler(logging.NullHandler())
    from git import Git

    version = Git().version_info
    if version[:2] < MINIMUM:
        raise ToolError(f"git {'.'.join(map(str, version))} is too old", fix=INSTALL)
