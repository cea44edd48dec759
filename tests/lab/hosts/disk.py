"""Data disks of hosts: loop devices over sparse files, which exist outside of all namespaces."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Disk:
    """A disk.

    Attributes:
        serial: Its serial number, by which a machine finds it (/dev/disk/by-id/virtio-SERIAL).
        file: Where its content is.
        gib: How large it is.
        device: Its device, which has the same name on the host; "" while it is not attached.
    """

    serial: str
    file: Path
    gib: int
    device: str = field(default="", init=False)

    @property
    def number(self) -> str:
        """Return its number, as major:minor."""
        kept = Path(self.device).stat().st_rdev
        return f"{os.major(kept)}:{os.minor(kept)}"

    def attach(self) -> None:
        """Make the device, unless there is one."""
        if not self.device:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._set_size()
            self.device = _losetup("--find", "--show", str(self.file)).strip()

    def grow(self, gib: int) -> None:
        """Make it larger, while it is in use."""
        self.gib = gib
        self._set_size()
        _losetup("--set-capacity", self.device)

    def erase(self, gib: int) -> None:
        """Make it empty, and as large as that. Nothing of it may be mounted."""
        self.detach()
        self.file.unlink()
        self.gib = gib
        self.attach()

    def detach(self) -> None:
        """Remove its device, and what a host has made of it (tests/lab/stand_in_volumes.py)."""
        if self.device:
            for row in _devices():
                # The path is that of the device on the host, whose /dev is another one.
                if Path(row["back-file"]).name == Path(self.device).name:
                    _losetup("--detach", row["name"])
            _losetup("--detach", self.device)
            self.device = ""

    def _set_size(self) -> None:
        with self.file.open("ab") as stream:
            stream.truncate(self.gib << 30)


def _devices() -> list[dict[str, str]]:
    listed = _losetup("--list", "--json", "--output", "NAME,BACK-FILE")
    return list(json.loads(listed)["loopdevices"]) if listed else []


def _losetup(*arguments: str) -> str:
    return subprocess.run(["losetup", *arguments], check=True, capture_output=True, text=True).stdout
