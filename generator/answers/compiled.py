"""A private cache of compiled templates: compiling `lib/` takes longer than everything else in a check of answers."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import FileSystemBytecodeCache

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


class CompiledTemplates(FileSystemBytecodeCache):
    """Compiled templates by name and syntax; Jinja compares the source's checksum and its own version by itself.

    One file per template of `lib/`, whichever folder the template lies in, so that the cache does not grow.
    """

    def __init__(self, folder: Path, syntax: str) -> None:
        super().__init__(str(folder))
        self._syntax = syntax

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002
        """Return the key of a template; its folder is no part of it."""
        return hashlib.sha256(f"{name}\n{self._syntax}".encode()).hexdigest()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template; a disk that is full or read-only costs speed alone."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def cache_for(syntax: str) -> CompiledTemplates | None:
    """Return the user's cache, or None where there is no folder that only the user can write.

    What lies in it is run as code: a folder of somebody else is refused.

    Args:
        syntax: What the compiled form depends on besides the source, e.g. the delimiters.
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
    return CompiledTemplates(folder, syntax)
