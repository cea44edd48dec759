"""The loss of the operator's machine, and another one that has nothing but a backup and the recovery identity."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.workspace import PARTS

if TYPE_CHECKING:
    from tests.e2e.rollout import Rollout

_IDENTITY, _RECOVERY = Path(".config/fmc/identity.txt"), Path(".config/fmc/recovery-identity.txt")


@dataclass(frozen=True)
class Kept:
    """What a workspace is, as far as a backup holds it.

    Attributes:
        commits: The commit of each repository, by part.
        files: Digests of the answers and of the vault, by name.
    """

    commits: dict[str, str]
    files: dict[str, str]


def kept(rollout: Rollout) -> Kept:
    """Return what the workspace is now."""
    user = rollout.user
    files = [user.workspace / name for name in ("answers.yaml", "vault.age")]
    return Kept(
        {part: user.head(part) for part in PARTS},
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.exists()},
    )


class Safe:
    """A place elsewhere: a backup, and the recovery identity, moved there as fmc asks for it."""

    def __init__(self, rollout: Rollout, name: str) -> None:
        """Make the backup."""
        self._rollout = rollout
        self._folder = rollout.bed.folder / name
        self._folder.mkdir(mode=0o700)
        self.backup = self._folder / "home.age"
        self.identity = self._folder / "identity.txt"
        home = rollout.bed.home
        shutil.copy2(home / (_RECOVERY if (home / _RECOVERY).exists() else _IDENTITY), self.identity)
        rollout.user.do("fmc", "backup", str(self.backup))

    def lose_the_laptop(self) -> None:
        """Remove all that was on it: the home with the identity, the workspace with repositories and vault."""
        shutil.rmtree(self._rollout.user.workspace)
        shutil.rmtree(self._rollout.bed.home)

    def set_up_another_one(self) -> str:
        """Restore, as `docs/secrets.md` says, on a machine with git, fmc and kubectl; return what was printed."""
        rollout, home = self._rollout, self._rollout.bed.home
        home.mkdir()
        rollout.user.introduce()
        workspace = rollout.user.workspace
        command = ["fmc", "restore", str(self.backup), "--workspace", str(workspace), "--identity", str(self.identity)]
        printed = rollout.user.do(*command, cwd=rollout.bed.folder)
        # Where fmc looks for it from now on.
        (home / _IDENTITY).parent.mkdir(parents=True)
        shutil.copy2(self.identity, home / _IDENTITY)
        return printed
