"""Seals a repository in a process of its own and is killed at one of its writes: `driver FOLDER WRITE MOMENT`."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from generator.secrets.seal import seal_repository
from generator.secrets.store import Store
from generator.secrets.vault.identities import Identities
from generator.secrets.vault.keys import generate_sealing_key


def main(folder: Path, write: int, moment: str) -> None:
    """Seal, and die by SIGKILL before or after the rename that ends a write; writes are counted from 0."""
    number = count()
    rename = Path.replace

    def replace(self: Path, target: Path) -> Path:
        # The identities are made before the vault, and lie elsewhere.
        mine = "identity" not in target.name and next(number) == write
        if mine and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        renamed = rename(self, target)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return renamed

    Path.replace = replace  # type: ignore[method-assign,assignment]
    identities = Identities(folder / "config" / "identity.txt")
    key = generate_sealing_key(2048)
    seal_repository(Store(folder / "argocd", folder / "vault.age", identities), os.environ, datetime.now(UTC), key)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
