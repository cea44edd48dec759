"""The environment of all commands that are timed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def environment_of(scratch: Path) -> dict[str, str]:
    """Return an environment in which git commits, and the demo's remotes are folders."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "bench",
        "GIT_AUTHOR_EMAIL": "bench@example.com",
        "GIT_COMMITTER_NAME": "bench",
        "GIT_COMMITTER_EMAIL": "bench@example.com",
        "FMC_IDENTITY": str(scratch / "identity.txt"),
    }
