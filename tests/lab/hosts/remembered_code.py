"""Lies on each host as `sitecustomize.py`: what comes as a zip of sources is compiled there once, not at each start.

The stand-in for K3s, which roles call again and again, is such a zip, and so are the modules of our own that Ansible
sends; those of Ansible are the matter of `warm`. Python keeps the compiled form of what lies in a folder, and not of
what lies in a zip. Whoever runs it may write what is kept, so this is for hosts of a test alone.
"""

from __future__ import annotations

import sys
from zipimport import zipimporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

FOLDER = "/var/cache/compiled-once"


class Remembering(zipimporter):
    """Imports from a zip, and keeps the compiled form by name and source."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of a module."""
        # Imported where they are needed: this file is read at each start of Python.
        from hashlib import sha256
        from marshal import dumps, loads
        from os import getpid
        from pathlib import Path

        kept = Path(FOLDER) / sha256(f"{fullname}\0{self.get_source(fullname)}".encode()).hexdigest()
        try:
            code: CodeType = loads(kept.read_bytes())
        except (OSError, ValueError, EOFError):
            code = super().get_code(fullname)
            new = kept.with_name(f"{kept.name}.{getpid()}")
            try:
                new.write_bytes(dumps(code))
                new.replace(kept)
            except OSError:
                new.unlink(missing_ok=True)
        return code


if __name__ == "sitecustomize":
    sys.path_hooks[:] = [Remembering if hook is zipimporter else hook for hook in sys.path_hooks]
