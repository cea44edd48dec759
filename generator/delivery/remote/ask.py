"""Asking the remotes: are they there, may we read them, and where do their branches stand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.access import network_environment
from generator.delivery.git.command import git_in, run
from generator.delivery.git.failures import remote_error
from generator.delivery.git.messages import shown_url
from generator.delivery.git.parallel import each
from generator.delivery.remote.references import HEADS, PATTERNS
from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from generator.delivery.model import Target

# Long enough for a slow handshake; a remote that drops packets would keep git waiting for two minutes.
_TIMEOUT = 30.0


@dataclass(frozen=True)
class RemoteBranches:
    """What one remote answered.

    Attributes:
        target: Whose remote it is.
        references: Commits of all branches, and of what runs put outside of them, by full names.
    """

    target: Target
    references: Mapping[str, str]

    @property
    def tip(self) -> str | None:
        """The commit of the target's branch; None where the branch doesn't exist."""
        return self.references.get(HEADS + self.target.branch)

    @property
    def empty(self) -> bool:
        """Whether it has no branch at all."""
        return not any(name.startswith(HEADS) for name in self.references)

    @property
    def obstacle(self) -> str | None:
        """A branch beside which the target's can't be: Git keeps no `a` beside `a/b`."""
        own = HEADS + self.target.branch
        names = (name for name in self.references if name.startswith(f"{own}/") or own.startswith(f"{name}/"))
        return next((name.removeprefix(HEADS) for name in names), None)


def ask_all(targets: Sequence[Target]) -> tuple[RemoteBranches, ...]:
    """Ask several remotes at once.

    Raises:
        RemoteError: One is missing, unreachable, or refused us; the message tells all that did.
        BadInputError: A URL holds credentials.
    """
    return tuple(each(ask, targets))


def ask(target: Target) -> RemoteBranches:
    """Ask one remote for its branches.

    Raises:
        RemoteError: It is missing, unreachable, or refused us.
        BadInputError: Its URL holds credentials.
    """
    if shown_url(target.url) != target.url:
        raise BadInputError(
            f"the URL of {target.part} holds a user name or password: {shown_url(target.url)}",
            fix="Take them out of git_base_url; set FMC_GIT_TOKEN (and FMC_GIT_USER), or use a credential helper.",
        )
    git = git_in(_existing(target.path))
    variables = network_environment(git, target)
    answer = run(git.ls_remote, "--", target.url, *PATTERNS, variables=variables, timeout=_TIMEOUT)
    if answer.code:
        raise remote_error(target.url, answer)
    # One line per reference: object, tab, name (git-ls-remote(1)).
    lines = (line.partition("\t") for line in os.fsdecode(answer.out).split("\n") if line)
    return RemoteBranches(target, {name: commit for commit, _, name in lines})


def _existing(path: Path) -> Path:
    """Return the folder itself or the nearest one above it: git has to run somewhere."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
