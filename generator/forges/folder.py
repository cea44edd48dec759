"""Folders of bare repositories, on this machine or on one that is reached by SSH: no accounts, no API, git alone.

What guards the branch is a hook of the repository, since git's own settings guard all branches or none. The script
goes to the other side through standard input; paths and branches are arguments of its shell.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import ConflictError, RemoteError, ToolError
from generator.forges.model import Kind, Protection, Repository
from generator.tools.command import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.forges.model import DeployKey, Hook

_TIMEOUT = 60.0
_NOTHING, _STRANGER = 64, 65
_LOOK = f"""
test -d "$1" || exit {_NOTHING}
git --git-dir="$1" rev-parse --is-bare-repository >/dev/null || exit {_STRANGER}
if git --git-dir="$1" show-ref --verify --quiet "refs/heads/$2"; then echo begun; fi
"""
_CREATE = """
mkdir -p "$(dirname "$1")"
git init --quiet --bare --initial-branch="$2" "$1"
"""
_HOOK = """#!/bin/sh
# Made by `fmc remotes create`: the branch BRANCH goes forward alone.
[ "$1" = refs/heads/BRANCH ] || exit 0
case $3 in
  *[!0]*) ;;
  *) echo "BRANCH is not deleted here" >&2; exit 1 ;;
esac
case $2 in
  *[!0]*) git merge-base --is-ancestor "$2" "$3" || { echo "BRANCH is not set back here" >&2; exit 1; } ;;
esac
"""
_HAS_HOOK = f"""
test -e "$1/hooks/update" || exit {_NOTHING}
test -x "$1/hooks/update" && printf %s "$2" | cmp -s - "$1/hooks/update" || exit {_STRANGER}
"""
_SET_HOOK = """
printf %s "$2" > "$1/hooks/update.new"
chmod 755 "$1/hooks/update.new"
mv "$1/hooks/update.new" "$1/hooks/update"
"""


@dataclass(frozen=True)
class Folder:
    """A machine with bare repositories; `path` is a folder on it.

    Attributes:
        server: How ssh names it, such as `git@host`; "" for this machine.
        port: The port of its SSH server; "" for the usual one.
        ssh: The ssh command, with the options that git gets as well.
    """

    server: str = ""
    port: str = ""
    ssh: Sequence[str] = ("ssh", "-o", "BatchMode=yes")

    kind = Kind.FOLDER

    def repository(self, path: str, branch: str) -> Repository | None:
        """Return a repository that is meant for a branch; None where there is no such folder."""
        code, out = self._run(_LOOK, path, branch)
        if code == _STRANGER:
            raise ConflictError(
                f"{path}{self._there} is a folder, and no bare repository; it was not touched",
                where=path,
                fix="Name another one in the answers (`repositories`), or move that folder away.",
            )
        return None if code else Repository(private=None, begun="begun" in out)

    def create(self, path: str, branch: str) -> None:
        """Make an empty bare repository."""
        self._run(_CREATE, path, branch)

    def make_private(self, path: str) -> None:
        """Do nothing: who may read a folder is the affair of its machine."""

    def keys(self, path: str) -> None:
        """Return None: a key opens the account, and with it all its folders."""

    def set_key(self, path: str, key: DeployKey) -> None:
        """Do nothing: an account's keys are its owner's affair."""

    def protection(self, path: str, branch: str) -> Protection | None:
        """Return how a branch is guarded; None where it is not."""
        code, _ = self._run(_HAS_HOOK, path, _hook(branch))
        if code == _STRANGER:
            raise ConflictError(
                f"{path}/hooks/update{self._there} is a hook of somebody else's; it was not touched",
                where=path,
                fix="Move it away, then run the same command again; or keep it, and guard the branch in it.",
            )
        return None if code else Protection()

    def protect(self, path: str, branch: str, protection: Protection) -> None:  # noqa: ARG002 (nobody merges here)
        """Guard a branch, whether it exists or not."""
        self._run(_SET_HOOK, path, _hook(branch))

    def hooks(self, path: str) -> tuple[Hook, ...] | None:  # noqa: ARG002
        """Return None: a folder tells nobody of a push; Argo CD looks there by itself."""
        return None

    def set_hook(self, path: str, url: str, secret: str) -> None:
        """Do nothing: a folder tells nobody of a push."""

    @property
    def _there(self) -> str:
        return f" on {self.server}" if self.server else ""

    def _run(self, script: str, *arguments: str) -> tuple[int, str]:
        """Run a script where the folders are, and return its exit code and what it printed."""
        shell = ["sh", "-eus", "--", *arguments]
        program, options = "sh", shell[1:]
        if self.server:
            port = ["-p", self.port] if self.port else []
            program, options = self.ssh[0], [*self.ssh[1:], *port, "--", self.server, shlex.join(shell)]
        try:
            done = Command(program, timeout=_TIMEOUT, ok=frozenset({0, _NOTHING, _STRANGER})).run(
                options, stdin=script.encode()
            )
        except ToolError as error:
            raise RemoteError(
                f"the repositories{self._there} can't be looked after: {error.message}",
                where=self.server or None,
                fix="Correct what it names, then run the same command again; it goes on where it stopped.",
            ) from error
        return done.code, done.stdout.decode(errors="replace")


def _hook(branch: str) -> str:
    return _HOOK.replace("BRANCH", branch)
