"""The release that the stand-in passes for: `build` writes it into the archive."""

from __future__ import annotations

import pkgutil


def version() -> str:
    """Return the release."""
    return (pkgutil.get_data("tests.lab.stand_in_k3s", "version.txt") or b"").decode().strip()
