"""What a host of the lab needs to have disks and to be an NFS server: its kernel has neither device mapper nor nfsd."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.hosts.disk import Disk

_STAND_IN = Path(__file__).resolve().parents[1] / "stand_in_volumes.py"
_CHANGE_VOLUMES = ("lvcreate", "lvextend", "lvremove", "vgchange")
# It sees the disks of its host alone: loop devices are those of the whole machine.
_LVM = """\
global { activation = 0 }
devices { obtain_device_list_from_udev = 0 filter = [ %s, "r|.*|" ] }
activation { udev_sync = 0 udev_rules = 0 }
"""
_DEVICES = """\
[Unit]
DefaultDependencies=no
Before=local-fs-pre.target
Wants=local-fs-pre.target
[Service]
Type=oneshot
ExecStart=/usr/local/lib/lab-volumes
[Install]
WantedBy=sysinit.target
"""
# A mounted file system grows by CAP_SYS_RESOURCE alone, which not every machine gives its root: there it is unmounted.
_RESIZE = """\
#!/bin/sh
if said=$(/usr/sbin/resize2fs "$1" 2>&1); then echo "$said"; exit; fi
unit=$(systemd-escape --path --suffix=mount "$(findmnt --noheadings --output TARGET --source "$(realpath "$1")")")
systemctl stop "$unit" && /usr/sbin/e2fsck -fp "$1" && /usr/sbin/resize2fs "$1" && systemctl start "$unit"
"""
# The distribution's, without the kernel's part.
_NFS_SERVER = """\
[Unit]
After=network-online.target local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/exportfs -r
ExecReload=/usr/sbin/exportfs -r
ExecStopPost=/usr/sbin/exportfs -au
[Install]
WantedBy=multi-user.target
"""


def give_disks(root: Path, disks: Sequence[Disk]) -> None:
    """Write into the file system of a host what it needs to find its disks when it starts."""
    _write(root / "etc/lab-disks.json", json.dumps({disk.serial: disk.number for disk in disks}))
    stand_in = root / "usr/local/lib/lab-volumes"
    shutil.copy(_STAND_IN, stand_in)
    stand_in.chmod(0o755)
    change = '#!/bin/sh\n/usr/sbin/%s "$@" && exec /usr/local/lib/lab-volumes\n'
    wrappers = {name: change % name for name in _CHANGE_VOLUMES} | {"resize2fs": _RESIZE}
    for name, text in wrappers.items():
        _write(root / "usr/local/sbin" / name, text)
        (root / "usr/local/sbin" / name).chmod(0o755)
    _write(root / "etc/lvm/lvmlocal.conf", _LVM % ", ".join(f'"a|^{disk.device}$|"' for disk in disks))
    units = root / "etc/systemd/system"
    _write(units / "nfs-server.service", _NFS_SERVER)
    _write(units / "lab-volumes.service", _DEVICES)
    wanted = units / "sysinit.target.wants/lab-volumes.service"
    wanted.parent.mkdir(exist_ok=True)
    wanted.unlink(missing_ok=True)
    wanted.symlink_to("../lab-volumes.service")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
