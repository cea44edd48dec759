"""The binary that the lab installs: the stand-in, or a real one by `FMC_K3S=PATH`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lab.stand_in_build import build

if TYPE_CHECKING:
    from collections.abc import Mapping

REAL = os.environ.get("FMC_K3S", "")
"""Path of a real k3s; "" for the stand-in."""


@dataclass(frozen=True)
class Binary:
    """A binary in the folder that all hosts see.

    Attributes:
        name: Its file.
        version: What it says that it is.
        checksum: Its digest, in the form of Ansible's get_url.
    """

    name: str
    version: str
    checksum: str

    def variables(self) -> Mapping[str, Any]:
        """Return the variables of the inventory that have it installed."""
        return {
            "k3s_binary_url": f"file:///srv/lab/{self.name}",
            "k3s_binary_version": self.version,
            "k3s_binary_checksum": self.checksum,
        }


def provide(folder: Path, version: str, name: str = "k3s") -> Binary:
    """Put a binary into a folder.

    Args:
        folder: The folder that all hosts see.
        version: The release that the stand-in passes for.
        name: The file.
    """
    target = folder / name
    if not REAL:
        return Binary(name, version, build(target, version))
    shutil.copy(REAL, target)
    said = subprocess.run([target, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return Binary(name, said[2], f"sha256:{hashlib.sha256(target.read_bytes()).hexdigest()}")
