#!/usr/bin/python
"""Say what lies on a disk, in a volume group and at mount points, as the system's own programs tell it. Changes nothing."""

from __future__ import annotations

import json
import os

DOCUMENTATION = r"""
module: volume_facts
short_description: Says what lies on a disk, in a volume group and at mount points
description:
  - Reads by lsblk, wipefs, findmnt and LVM's own programs. Nothing is changed, and nothing is judged.
options:
  disk:
    description: The disk.
    type: path
    required: true
  group:
    description: Name of a volume group.
    type: str
    required: true
  folders:
    description: Folders that are, or are to be, mount points.
    type: list
    elements: path
    required: true
"""

HEAD_BYTES = 1 << 20
"""How much of a disk's beginning must be zeros where no signature is found."""


class Reader:
    """The programs, each asked for JSON."""

    def __init__(self, module):
        """Keep the module, which runs them."""
        self._module = module

    def json(self, *command, none=0):
        """Return what a program prints: {} where it finds nothing, which its exit code `none` says, or is not installed.

        A program that fails ends the module: what is not known is not taken for empty.
        """
        if not installed(command[0]):
            return {}
        code, out, error = self._module.run_command(list(command))
        if code not in (0, none):
            self._module.fail_json("%s ended with exit code %d: %s" % (" ".join(command), code, error))
        return json.loads(out) if out.strip() else {}

    def lvm(self, kind, fields):
        """Return a report of LVM: sizes in bytes, one dictionary a row."""
        report = self.json(kind, "--reportformat", "json", "--units", "b", "--nosuffix", "--options", ",".join(fields))
        return [row for part in report.get("report", []) for rows in part.values() for row in rows]

    def signatures(self, device):
        """Return the kinds of all signatures on a device, those of partition tables and backups among them."""
        return [row["type"] for row in self.json("wipefs", "--json", device).get("signatures", [])]

    def number(self, device):
        """Return a block device's number, as major:minor, or "" where there is none."""
        if not os.path.exists(device):
            return ""
        kept = os.stat(device).st_rdev
        return "%d:%d" % (os.major(kept), os.minor(kept))


def installed(name):
    """Tell whether a program of root's is there."""
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"))


def disk_of(reader, link):
    """Return what there is to know of a disk, or {} where it is missing."""
    if not os.path.exists(link):
        return {}
    path = os.path.realpath(link)
    (tree,) = reader.json("lsblk", "--json", "--bytes", "--output", "PATH,TYPE,SIZE,MOUNTPOINTS", path)["blockdevices"]
    with open(path, "rb") as stream:
        blank = not stream.read(HEAD_BYTES).strip(b"\0")
    return {
        "path": path,
        "bytes": int(tree["size"]),
        "blank": blank,
        "signatures": reader.signatures(path),
        "mounted": [point for row in family(tree) if row["type"] != "lvm" for point in row["mountpoints"] if point],
    }


def family(row):
    """Return a device and all that is made of it."""
    return [row] + [inner for child in row.get("children", []) for inner in family(child)]


def volumes_of(reader, group):
    """Return the logical volumes of a group by name."""
    rows = reader.lvm("lvs", ["lv_name", "vg_name", "lv_size", "lv_tags"])
    found = {}
    for row in rows:
        if row["vg_name"] == group:
            device = "/dev/%s/%s" % (group, row["lv_name"])
            there = os.path.exists(device)
            found[row["lv_name"]] = {
                "bytes": int(row["lv_size"]),
                "tags": [tag for tag in row["lv_tags"].split(",") if tag],
                "number": reader.number(device),
                "signatures": reader.signatures(device) if there else [],
            }
    return found


def folder_of(reader, folder):
    """Return which device is mounted at a folder ("" for none), and whether files lie there."""
    mounted = reader.json("findmnt", "--json", "--mountpoint", folder, "--output", "MAJ:MIN", none=1)
    return {
        "number": mounted["filesystems"][-1]["maj:min"] if mounted else "",
        "empty": not os.path.isdir(folder) or not os.listdir(folder),
    }


def main():
    """Run as a module of Ansible."""
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        argument_spec={
            "disk": {"type": "path", "required": True},
            "group": {"type": "str", "required": True},
            "folders": {"type": "list", "elements": "path", "required": True},
        },
        supports_check_mode=True,
    )
    reader, asked = Reader(module), module.params
    fields = ["pv_name", "vg_name", "vg_tags", "pe_start", "pv_pe_count", "dev_size"]
    fields += ["vg_extent_size", "vg_extent_count", "vg_free_count"]
    module.exit_json(
        changed=False,
        disk=disk_of(reader, asked["disk"]),
        physical_volumes=reader.lvm("pvs", fields),
        volumes=volumes_of(reader, asked["group"]),
        folders={folder: folder_of(reader, folder) for folder in asked["folders"]},
    )


if __name__ == "__main__":
    main()
