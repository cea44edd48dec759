"""The Git side of a release: what has to be true before, the commit and the tag."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.tools.git import git

if TYPE_CHECKING:
    from collections.abc import Iterator

BRANCH = "main"


@dataclass(frozen=True)
class Checkout:
    """A checkout of this repository.

    Attributes:
        root: Its top folder.
    """

    root: Path

    def require_clean_branch(self) -> None:
        """Refuse to release anything but what is committed on the branch.

        Raises:
            BadInputError: Another branch is checked out, or files differ from the last commit.
        """
        branch = self._git("rev-parse", "--abbrev-ref", "HEAD")
        if branch != BRANCH:
            raise BadInputError(
                f"{branch} is checked out: releases are made of {BRANCH}",
                where=str(self.root),
                fix=f"git switch {BRANCH}",
            )
        changed = self._git("status", "--porcelain").splitlines()
        if changed:
            raise BadInputError(
                f"a release holds what is committed, and {len(changed)} files are not: {changed[0][3:]} is the first",
                where=str(self.root),
                fix="Commit them, or put them away: git stash --include-untracked",
            )

    def read(self, name: str) -> str:
        """Return the text of a file."""
        return (self.root / name).read_text()

    def tags(self) -> list[str]:
        """Return the names of all tags."""
        return self._git("tag", "--list").splitlines()

    def head(self) -> str:
        """Return the last commit."""
        return self._git("rev-parse", "HEAD")

    def subject(self) -> str:
        """Return the first line of the last commit's message."""
        return self._git("log", "-1", "--format=%s")

    def remote(self) -> str:
        """Return the remote that the branch follows, else the first one; "" where there is none."""
        remotes = self._git("remote").splitlines()
        followed = self._git("config", f"branch.{BRANCH}.remote", ok=(0, 1))
        return followed if followed in remotes else next(iter(remotes), "")

    @contextmanager
    def apart(self) -> Iterator[Checkout]:
        """Check the last commit out in a folder of its own, for as long as the context is open."""
        with tempfile.TemporaryDirectory(prefix="fmc-release-") as folder:
            path = Path(folder) / "checkout"
            self._git("worktree", "add", "--quiet", "--detach", str(path), "HEAD")
            try:
                yield Checkout(path)
            finally:
                self._git("worktree", "remove", "--force", str(path))

    def commit(self, files: dict[str, str], message: str) -> str:
        """Write files, commit them, and return the commit.

        pre-commit's hooks are left out: they need `.venv`, which a checkout apart has not, and `make test` runs them.
        """
        for name, text in files.items():
            (self.root / name).write_text(text)
        self._git("add", "--", *files)
        self._git("commit", "--quiet", "--no-verify", "--message", message)
        return self.head()

    def publish_here(self, commit: str, tag: str, message: str) -> None:
        """Move the branch forward to a commit that was made apart, and tag it; nothing leaves this machine."""
        self._git("merge", "--quiet", "--ff-only", commit)
        self._git("tag", "--annotate", tag, "--message", message, commit)

    def _git(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        return git(self.root, *arguments, ok=ok).stdout.decode().strip("\n")
