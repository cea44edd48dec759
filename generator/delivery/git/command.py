"""GitPython, loaded when the first git command is needed, and the one way in which delivery runs git through it."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from generator.errors import BadInputError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from git import Git, Repo

# GIT_CONFIG_COUNT carries the token, and is not read before 2.31; 2.39 is the oldest version in a supported Debian.
MINIMUM_GIT = (2, 39)
_INSTALL = "Install git 2.39 or newer, for example with `apt install git`."

# git exports these to its hooks; in a fmc started by one they would turn every command to the hook's repository.
_FOREIGN_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
)

_SETTINGS = (
    # A tree is renamed right after its commit: nothing may go on working in it in the background.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("core.fsmonitor", "false"),
    # Otherwise git makes up an identity from the login and host name.
    ("user.useConfigOnly", "true"),
)


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
    _load()
    from git import Git

    return _bounded(Git(folder), folder)


def repository_at(path: Path) -> Repo | None:
    """Return the repository whose top is this very folder, or None.

    Raises:
        ToolError: git is missing or too old.
    """
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
    code, out, err = command(
        *arguments,
        with_extended_output=True,
        with_exceptions=False,
        stdout_as_string=False,
        kill_after_timeout=timeout,
        env=environment() if variables is None else variables,
    )
    return Output(code, out, err)


def environment(settings: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """Return the variables that git runs with, for GitPython to add to the process's own.

    Args:
        settings: Git configuration for this command alone. It is appended to what the user passes in
            GIT_CONFIG_COUNT, in the form that git-config(1) gives.

    Raises:
        BadInputError: GIT_CONFIG_COUNT is no number.
    """
    given = os.environ.get("GIT_CONFIG_COUNT") or "0"
    if not given.isdecimal():
        raise BadInputError(
            f"GIT_CONFIG_COUNT is {given!r}, which is no number", fix="Correct or unset GIT_CONFIG_COUNT."
        )
    variables = {}
    count = int(given)
    for key, value in (*_SETTINGS, *settings):
        variables[f"GIT_CONFIG_KEY_{count}"] = key
        variables[f"GIT_CONFIG_VALUE_{count}"] = value
        count += 1
    # Looking at a repository writes nothing: `git status` would fail on a full disk.
    return {**variables, "GIT_CONFIG_COUNT": str(count), "GIT_OPTIONAL_LOCKS": "0"}


def _bounded(git: Git, folder: Path) -> Git:
    """Keep git from taking the repository around a folder for the folder's own."""
    git.update_environment(GIT_CEILING_DIRECTORIES=str(folder.absolute().parent))
    return git


@cache
def _load() -> None:
    """Import GitPython, once, in an environment where it finds git and no foreign repository."""
    for name in _FOREIGN_REPOSITORY:
        os.environ.pop(name, None)
    # GitPython's own import fails with a page of advice where git is missing.
    if shutil.which(os.environ.get("GIT_PYTHON_GIT_EXECUTABLE") or "git") is None:
        raise ToolError("git was not found on PATH", fix=_INSTALL)
    # It logs tracebacks of errors that it raises as well.
    logging.getLogger("git").addHandler(logging.NullHandler())
    from git import Git

    version = Git().version_info
    if version[:2] < MINIMUM_GIT:
        raise ToolError(f"git {'.'.join(map(str, version))} is too old", fix=_INSTALL)
