"""Can the lab run here? Asked before anything is started."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.e2e.bed.preflight import Problem, disk, memory, privileges, programs, refuse_any
from tests.lab.hosts.guest_image import find_guest_image
from tests.lab.hosts.image import find_image
from tests.lab.sessions import AT_ONCE
from tests.toolchain.build import tools_folder

MEMORY_MIB = 2000 * AT_ONCE
"""What twelve hosts and Ansible's forks need, and half as much again, for each session that runs at the same time."""
DISK_MIB = 7500
INSTANCES = 4096
"""Of inotify: the systemd of each host takes some, and all hosts are one user's."""
_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_MADE_WITH = {
    find_image: {"debootstrap": "debootstrap", "dpkg-scanpackages": "dpkg-dev"},
    find_guest_image: {"debootstrap": "debootstrap", "sfdisk": "fdisk", "mke2fs": "e2fsprogs"},
}
_RUN_WITH = {"systemd-nspawn": "systemd-container", "ssh": "openssh-client", "ip": "iproute2", "pgrep": "procps"}


def require_all() -> None:
    """Look at everything that the lab needs, and name all that is missing at once.

    Raises:
        BedError: Something is missing.
    """
    needs = [*privileges(), *memory(MEMORY_MIB), *disk(DISK_MIB), *programs("test", "lab"), *_system(), *watchers()]
    refuse_any("the lab", needs)


def watchers() -> list[Problem]:
    """Raise how many may watch files, until the machine restarts, where that is too low for so many hosts."""
    if int(_INSTANCES.read_text()) >= INSTANCES:
        return []
    try:
        _INSTANCES.write_text(str(INSTANCES))
    except OSError as error:
        reason = f"{_INSTANCES} is below {INSTANCES}, and can't be raised: {error.strerror}"
        return [(reason, f"Run `sysctl -w fs.inotify.max_user_instances={INSTANCES}` on the machine itself.")]
    return []


def _system() -> list[Problem]:
    wanted = dict(_RUN_WITH)
    for find, makers in _MADE_WITH.items():
        if not find(tools_folder().parent):
            wanted |= makers
    missing = {name: package for name, package in wanted.items() if shutil.which(name) is None}
    if not missing:
        return []
    return [(f"not on PATH: {', '.join(missing)}", f"Run `apt-get install {' '.join(missing.values())}`.")]
