"""The user's own folder for what is compiled once and run as code later."""

from __future__ import annotations

import os
from pathlib import Path


def code_cache() -> Path | None:
    """Return the folder for compiled templates, or None where there is none that only the user can write.

    What lies in it is run as code: a folder of somebody else is refused.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(base) if base else Path.home() / ".cache") / "fmc" / "templates"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.stat()
    except (OSError, RuntimeError):
        return None
    if status.st_uid != os.getuid() or status.st_mode & 0o022 or not os.access(folder, os.W_OK):
        return None
    return folder
