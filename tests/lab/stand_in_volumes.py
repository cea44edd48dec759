#!/usr/bin/python3
"""Stands in for udev and the kernel's device mapper, on a host of the lab that has disks.

LVM itself is the real one: it writes its labels and its metadata, and is told to leave the kernel alone
(`activation = 0`). What the kernel would do of it, this does: a device for each logical volume, which is a loop device
over that part of the physical volume. It runs when the host starts, and behind each command of LVM's that changes
volumes. A volume that does not lie in one piece has no device here.

/etc/lab-disks.json says which block devices are disks of this host: {serial number: major:minor}.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOP_MAJOR, LOOP_CONTROL = 7, (10, 237)
NODES = 64


def main() -> None:
    """Make the nodes and links of disks and volumes."""
    make_node("/dev/loop-control", stat.S_IFCHR, LOOP_CONTROL)
    for number in range(NODES):
        make_node(f"/dev/loop{number}", stat.S_IFBLK, (LOOP_MAJOR, number))
    for serial, number in json.loads(Path("/etc/lab-disks.json").read_text()).items():
        link(f"/dev/disk/by-id/virtio-{serial}", f"/dev/loop{number.partition(':')[2]}")
    if Path("/usr/sbin/lvs").exists():
        for name, device, offset, size in volumes():
            link(f"/dev/{name}", loop_over(device, offset, size))


def volumes() -> Iterator[tuple[str, str, int, int]]:
    """Return each volume that lies in one piece: its name, the physical volume, the first byte there, and its size.

    The size of one that reaches to the end of the disk is 0.
    """
    disks = {row["pv_name"]: row for row in report("pvs", "pv_name,pe_start,pv_pe_count")}
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in report("lvs", "vg_name,lv_name,seg_pe_ranges,vg_extent_size"):
        found.setdefault((row["vg_name"], row["lv_name"]), []).append(row)
    for (group, name), rows in found.items():
        if len(rows) == 1:
            device, _, extents = rows[0]["seg_pe_ranges"].rpartition(":")
            first, last = map(int, extents.split("-"))
            size, disk = int(rows[0]["vg_extent_size"]), disks[device]
            reaches = last + 1 == int(disk["pv_pe_count"])
            yield (
                f"{group}/{name}",
                device,
                int(disk["pe_start"]) + first * size,
                0 if reaches else (last - first + 1) * size,
            )


def report(program: str, fields: str) -> list[dict[str, str]]:
    """Return the rows of a report of LVM."""
    command = [f"/usr/sbin/{program}", "--reportformat", "json", "--units", "b", "--nosuffix", "--options", fields]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [row for part in json.loads(printed)["report"] for rows in part.values() for row in rows]


def loop_over(device: str, offset: int, size: int) -> str:
    """Return the loop device over a part of a device, to its end where the size is 0: one that is there, or a new one.

    One that reaches to the end grows with the device while it is in use, which the kernel allows no other.
    """
    listed = losetup("--list", "--json", "--output", "NAME,OFFSET,BACK-FILE")
    for row in json.loads(listed or '{"loopdevices": []}')["loopdevices"]:
        # By the name alone: after a restart of the host its /dev is another one.
        if Path(row["back-file"]).name == Path(device).name and int(row["offset"]) == offset:
            losetup("--set-capacity", row["name"])
            return str(row["name"])
    return losetup("--find", "--show", "--offset", str(offset), "--sizelimit", str(size), device).strip()


def losetup(*arguments: str) -> str:
    """Run losetup and return what it prints."""
    return subprocess.run(["losetup", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def make_node(path: str, kind: int, number: tuple[int, int]) -> None:
    """Make a device node, unless it is there."""
    if not Path(path).exists():
        os.mknod(path, kind | 0o660, os.makedev(*number))


def link(path: str, target: str) -> None:
    """Make a symbolic link, in place of an older one."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).unlink(missing_ok=True)
    Path(path).symlink_to(target)


if __name__ == "__main__":
    main()
