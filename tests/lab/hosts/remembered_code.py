"""Lies on each host as `sitecustomize.py`: what Ansible sends is compiled there once, not again for each task.

Ansible sends a module with all that it imports as a zip of sources. Python keeps the compiled form of what lies in a
folder, and not of what lies in a zip; that is half of what a task costs. Whoever runs a module may write what is kept,
so this is for hosts of a test alone.
"""

from __future__ import annotations

import zipimport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    Compile = Callable[[str, bytes], CodeType]

FOLDER = "/var/cache/compiled-once"


def _remembering(compile_source: Compile) -> Compile:
    # Imported where it is needed: this runs at each start of Python.
    def remembered(pathname: str, source: bytes) -> CodeType:
        from hashlib import sha256
        from marshal import dumps, loads
        from os import getpid
        from pathlib import Path

        name = pathname.rpartition(".zip/")[2]
        kept = Path(FOLDER) / sha256(name.encode() + b"\0" + bytes(source)).hexdigest()
        try:
            code: CodeType = loads(kept.read_bytes())
        except (OSError, ValueError, EOFError):
            code = compile_source(pathname, source)
            new = kept.with_name(f"{kept.name}.{getpid()}")
            try:
                new.write_bytes(dumps(code))
                new.replace(kept)
            except OSError:
                new.unlink(missing_ok=True)
        return code

    return remembered


zipimport._compile_source = _remembering(zipimport._compile_source)  # type: ignore[attr-defined]
