"""A private cache of compiled templates: compiling `lib/` takes longer than everything else in a check of answers."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from jinja2 import FileSystemBytecodeCache

from generator.caches import code_cache

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2.bccache import Bucket


class CompiledTemplates(FileSystemBytecodeCache):
    """Compiled templates by name and syntax; Jinja compares the source's checksum and its own version by itself.

    One file per template of `lib/` and per text of copier.yml, whichever folder the template lies in, so that the cache
    grows with changed questions alone.
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

    Args:
        syntax: What the compiled form depends on besides the source, e.g. the delimiters.
    """
    folder = code_cache()
    return CompiledTemplates(folder, syntax) if folder else None
