"""Can the lab run here? Asked before anything is started."""

from __future__ import annotations

import shutil

from tests.e2e.bed.preflight import Problem, disk, memory, privileges, programs, refuse_any
from tests.lab.hosts.image import find_image
from tests.toolchain.build import tools_folder

MEMORY_MIB = 2000
"""What twelve hosts and Ansible's forks need, and half as much again."""
DISK_MIB = 4000
_MADE_WITH = {"debootstrap": "debootstrap", "dpkg-scanpackages": "dpkg-dev"}
_RUN_WITH = {"systemd-nspawn": "systemd-container", "ssh": "openssh-client", "ip": "iproute2", "pgrep": "procps"}


def require_all() -> None:
    """Look at everything that the lab needs, and name all that is missing at once.

    Raises:
        BedError: Something is missing.
    """
    refuse_any("the lab", [*privileges(), *memory(MEMORY_MIB), *disk(DISK_MIB), *programs("test", "lab"), *_system()])


def _system() -> list[Problem]:
    wanted = dict(_RUN_WITH) if find_image(tools_folder().parent) else {**_RUN_WITH, **_MADE_WITH}
    missing = {name: package for name, package in wanted.items() if shutil.which(name) is None}
    if not missing:
        return []
    return [(f"not on PATH: {', '.join(missing)}", f"Run `apt-get install {' '.join(missing.values())}`.")]
