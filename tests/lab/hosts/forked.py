"""Imported last by the server in `warm`: a module that is forked from it finds what one that is started finds."""

from __future__ import annotations

import platform
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Path(list[str]):
    """The `__path__` of a package: its folder, then what it has in each zip on sys.path.

    A role's own modules are sent as modules of the package ansible, and are in no folder.
    """

    def __init__(self, package: str) -> None:
        """Take over its present one."""
        super().__init__(sys.modules[package].__path__)
        self._inside = package.replace(".", "/")

    def __iter__(self) -> Iterator[str]:
        """Look at sys.path each time: the zip is put there later."""
        yield from super().__iter__()
        yield from (f"{entry}/{self._inside}" for entry in sys.path if entry.endswith(".zip"))


if __name__ == "forked":
    for name in ("ansible", "ansible.modules", "ansible.module_utils"):
        sys.modules[name].__path__ = Path(name)
    # The name of the host is in it, which may be another one by then; Python 3.14 has platform.invalidate_caches().
    platform._uname_cache = None  # type: ignore[attr-defined]
