"""The one door to git: its program, and an environment in which it works on the folder that it is told and on no other.

git exports the repository that it works on to its hooks, to `git rebase --exec` and to aliases. An fmc that is started
there would have its own git commands look into that repository, whatever folder they are run in. So these variables
are taken out of the process before the first command; delivery's GitPython, which looks at some of them itself, goes
through here as well.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from generator.errors import BadInputError, ToolError
from generator.tools.command import Command, Result
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path

PROGRAM = "git"
# GIT_CONFIG_COUNT carries the token, and is not read before 2.31; 2.39 is the oldest version in a supported Debian.
MINIMUM = (2, 39)
INSTALL = "Install git 2.39 or newer, for example with `apt install git`."

_FOREIGN = (
    # What `git rev-parse --local-env-vars` lists, except for GIT_CONFIG_COUNT: in that one people pass configuration
    # on (git-config(1), ENVIRONMENT).
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    # What hooks of a server have on top, and what changes the meaning of names (git(1), ENVIRONMENT VARIABLES).
    "GIT_ATTR_SOURCE",
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_QUARANTINE_PATH",
)

_SETTINGS = (
    # A tree is renamed right after its commit: nothing may go on working in it in the background.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("core.fsmonitor", "false"),
    # Otherwise git makes up an identity from the login and host name.
    ("user.useConfigOnly", "true"),
)


def git(folder: Path, *arguments: str, top: Path | None = None, ok: Container[int] = (0,)) -> Result:
    """Run a git command that only looks at a folder.

    Args:
        folder: Where it runs.
        arguments: The command; never a secret, since others can read it.
        top: Top of the repository that the folder lies in; the folder itself when None. A repository around that is
            not looked for.
        ok: Exit codes that are no failure.

    Raises:
        BadInputError: The repository belongs to another user, or GIT_CONFIG_COUNT is no number.
        ToolError: git is missing, took too long, or failed.
    """
    forget_foreign_repository()
    bounded = {**environment(), "GIT_CEILING_DIRECTORIES": str((top or folder).absolute().parent)}
    every_code = frozenset(range(256))
    done = Command(PROGRAM, ok=every_code, install_hint=INSTALL, environment=bounded).run(arguments, cwd=folder)
    if done.code not in ok:
        if is_of_another_user(done.stderr):
            raise another_users(folder)
        raise ToolError(
            f"`git {arguments[0]}` failed in {folder}: {done.stderr.strip() or f'exit code {done.code}'}",
            where=str(folder),
            fix="Correct what it names, then run the same command again.",
        )
    return done


def environment(settings: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """Return the variables that every git command has on top of the process's own.

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
    variables = {
        # Causes of failures are told apart by git's words.
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "GIT_TERMINAL_PROMPT": "0",
        # Looking at a repository writes nothing: `git status` would fail on a full disk.
        "GIT_OPTIONAL_LOCKS": "0",
        # A push sends the objects themselves: what `git replace` or a graft shows in their place must not be read.
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": f"{os.devnull}/none",
    }
    count = int(given)
    for key, value in (*_SETTINGS, *settings):
        variables[f"GIT_CONFIG_KEY_{count}"] = key
        variables[f"GIT_CONFIG_VALUE_{count}"] = value
        count += 1
    return {**variables, "GIT_CONFIG_COUNT": str(count)}


def forget_foreign_repository() -> None:
    """Take out of the process's environment what would turn git to another repository than the folder's own."""
    for name in _FOREIGN:
        os.environ.pop(name, None)


def is_of_another_user(stderr: str) -> bool:
    """Return whether git refused a repository for its owner (git-config(1), safe.directory)."""
    return re.search(r"dubious ownership", stderr) is not None


def another_users(folder: Path) -> BadInputError:
    """Return the error for a repository that belongs to another user of this machine."""
    return BadInputError(
        f"{folder} belongs to another user, and git refuses to work in it",
        where=str(folder),
        fix="Give the folder to your user, or trust it: "
        f"{command('git', 'config', '--global', '--add', 'safe.directory', str(folder))}.",
    )
