"""The programs that a throw-away control plane needs: where they are, and which versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.tools.install import find_tool
from generator.tools.versions import version_of

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = ("etcd", "kube-apiserver", "sealed-secrets-controller")
_SYSTEM = ("unshare", "setpriv", "mount")
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def missing_programs() -> list[str]:
    """Return the programs that a drill on a control plane needs, and that are not here."""
    return [name for name in (*PROGRAMS, *_SYSTEM) if find_tool(name) is None]


def programs() -> dict[str, str]:
    """Return these programs, each with its version, or its place where it tells none; "" where it is not here."""
    places = [(name, find_tool(name)) for name in (*PROGRAMS, *_SYSTEM)]
    return {name: (_version(place) if name in PROGRAMS else "") or str(place or "") for name, place in places}


def versions() -> tuple[str, ...]:
    """Return the servers with their versions, as they say them."""
    return tuple(" ".join([name, *filter(None, [_version(find_tool(name))])]) for name in PROGRAMS)


def _version(place: Path | None) -> str:
    found = _VERSION.search(version_of(str(place), ["--version"]) or "") if place else None
    return found[0] if found else ""
