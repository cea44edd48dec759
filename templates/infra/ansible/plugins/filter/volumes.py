"""What may be done to a data disk, as filters of Ansible: what is in the way, and which commands make it what is wanted.

`seen` is what the module volume_facts found, `wanted` is {disk, gib, group, volumes}: volumes are {name, percent, path}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

GROUP_TAG = "flatcar-microcloud"
"""Marks a volume group that these roles made: a name alone proves nothing."""
NEW_TAG = "flatcar-microcloud.new"
"""Marks a volume from its making until its file system is complete. Nothing is ever mounted from it before."""
GIB = 1 << 30
# What is not escaped in the name of a unit (systemd.unit(5), "String Escaping for Inclusion in Unit Names").
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_."


def volume_findings(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return what would do harm or can't be done, each with its remedy; nothing may be changed while there is any."""
    return [*_of_the_wish(wanted), *_of_the_disk(seen, wanted), *_of_volumes(seen, wanted), *_of_folders(seen, wanted)]


def volume_group_steps(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[list[str]]:
    """Return the commands that make the volume group, bring its volumes up, and give it what the disk has grown by."""
    own = _physical_volume(seen)
    if not own or not own["vg_name"]:
        # It makes the disk a physical volume as well. It asks where it finds a signature, and so refuses: a second look.
        return [["vgcreate", "--addtag", GROUP_TAG, wanted["group"], seen["disk"]["path"]]]
    steps = [["vgchange", "--activate", "y", wanted["group"]]] if _inactive(seen) else []
    return [*steps, ["pvresize", seen["disk"]["path"]]] if _grown(seen) else steps


def volume_steps(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[list[str]]:
    """Return the commands that make volumes with their file systems, or grow volumes; see `volume_group_steps`, which come first."""
    steps: list[list[str]] = []
    if not _physical_volume(seen).get("vg_name"):
        # Somebody only looks, and nothing was made before.
        return steps
    for volume in wanted["volumes"]:
        name, extents = f"{wanted['group']}/{volume['name']}", _extents(seen, volume)
        found = seen["volumes"].get(volume["name"])
        if not found:
            make = ["lvcreate", "--yes", "--addtag", NEW_TAG, "--extents", str(extents), "--name", volume["name"]]
            steps.append([*make, wanted["group"]])
        elif _lacks(seen, volume):
            steps.append(["lvextend", "--extents", str(extents), name])
        if not found or NEW_TAG in found["tags"]:
            steps.append(["mkfs.ext4", "-q", "-F", "-m", "0", f"/dev/{name}"])
            steps.append(["lvchange", "--deltag", NEW_TAG, name])
    return steps


def mount_unit(path: str) -> str:
    """Return the name of the unit that mounts something at a path, as `systemd-escape --path --suffix=mount` has it."""
    parts = [part for part in path.split("/") if part]
    return "-".join(_escaped(part, first=not at) for at, part in enumerate(parts)) + ".mount"


def _escaped(part: str, *, first: bool) -> str:
    return "".join(
        chr(byte) if chr(byte) in _PLAIN and not (first and not at and byte == ord(".")) else f"\\x{byte:02x}"
        for at, byte in enumerate(part.encode())
    )


def _of_the_wish(wanted: Mapping[str, Any]) -> Iterator[str]:
    for key in ("name", "path"):
        given = [volume[key] for volume in wanted["volumes"]]
        for value in sorted({value for value in given if given.count(value) > 1}):
            yield f"Two volumes have the {key} {value}. Give each its own, in data_volumes_wanted."
    whole = sum(volume["percent"] for volume in wanted["volumes"])
    if whole > 100 or any(volume["percent"] < 1 for volume in wanted["volumes"]):
        yield f"The volumes are to have {whole} % of the disk together. Give each 1 or more and all 100 at most, in data_volumes_wanted."


def _of_the_disk(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    disk = seen["disk"]
    if not disk:
        yield (
            f"The data disk {wanted['disk']} is missing. Is it attached (`virsh domblklist`)? A disk that was added to the answers comes with "
            "the machine's next generation (terraform/README.md). Where Terraform does not make the machine, name the disk as "
            "data_volumes_disk in group_vars/storage/user.yml."
        )
        return
    if disk["bytes"] < wanted["gib"] * GIB:
        yield (
            f"The data disk {wanted['disk']} has {disk['bytes'] / GIB:.1f} GiB, the plan says {wanted['gib']}. Grow it (terraform/README.md, "
            "Data disks), or correct data_disk_gib in the answers."
        )
    own, group = _physical_volume(seen), wanted["group"]
    if own and own["vg_name"] == group:
        if GROUP_TAG not in own["vg_tags"].split(","):
            yield (
                f"The volume group {group} on {disk['path']} was not made by this playbook. Shall it be used, and what is on it stay? Then "
                f"say so with `sudo vgchange --addtag {GROUP_TAG} {group}`. Otherwise give data_volumes_group another name, or empty the disk."
            )
    elif foreign := _foreign(disk, own):
        yield (
            f"{wanted['disk']} ({disk['path']}, {disk['bytes'] / GIB:.1f} GiB) holds {foreign}: nothing was changed. Is it the right disk? "
            f"Which one is used, data_volumes_disk in group_vars/storage/user.yml says. Where nothing on it is wanted any more, empty it with "
            f"`{' && '.join(_emptying(disk, own))}`."
        )
    elsewhere = [row["pv_name"] for row in seen["physical_volumes"] if row["vg_name"] == group]
    if elsewhere and disk["path"] not in elsewhere:
        yield (
            f"There is a volume group {group} already, on {', '.join(elsewhere)} and not on {disk['path']}. Name that disk as data_volumes_disk, "
            "or another group as data_volumes_group, in group_vars/storage/user.yml."
        )


def _foreign(disk: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """Return what others keep on a disk, or ""."""
    what = sorted(set(disk["signatures"]) - {"LVM2_member"})
    # A physical volume without a group has no data yet: a run ended between the two.
    what += [f"the volume group {own['vg_name']}"] if own and own["vg_name"] else []
    if "LVM2_member" in disk["signatures"] and not own:
        what.append("a physical volume that LVM does not list (see `sudo lvmdevices`)")
    if not disk["signatures"] and not disk["blank"]:
        what.append("data of a kind that no program here knows")
    where = f", in use at {', '.join(disk['mounted'])}" if disk["mounted"] else ""
    return " and ".join(what) + where if what or where else ""


def _emptying(disk: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    """Return the commands that empty a disk, for a person to decide on."""
    path, swap = disk["path"], "[SWAP]"
    commands = [f"sudo umount {point}" for point in disk["mounted"] if point != swap]
    commands += [f"sudo swapoff {path}"] if swap in disk["mounted"] else []
    commands += [f"sudo vgremove --yes {own['vg_name']}", f"sudo pvremove {path}"] if own and own["vg_name"] else []
    return [*commands, f"sudo wipefs --all {path}", f"sudo dd if=/dev/zero of={path} bs=1M count=1"]


def _of_volumes(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for volume in wanted["volumes"]:
        found = seen["volumes"].get(volume["name"])
        if found and found["number"] and NEW_TAG not in found["tags"] and found["signatures"] != ["ext4"]:
            name = f"{wanted['group']}/{volume['name']}"
            yield (
                f"The volume {name} holds {' and '.join(found['signatures']) or 'no file system'} and not ext4: nothing was changed. Where nothing "
                f"on it is wanted, remove it with `sudo lvremove {name}`; otherwise give that volume another name in data_volumes_wanted."
            )
    own = _physical_volume(seen)
    if not own or own["vg_name"] != wanted["group"]:
        return
    size, grown = int(own["vg_extent_size"]), _grown(seen)
    free = int(own["vg_free_count"]) + grown
    lacking = {volume["name"]: _lacks(seen, volume, grown) for volume in wanted["volumes"] if _lacks(seen, volume, grown)}
    if sum(lacking.values()) > free:
        yield (
            f"The volume group {wanted['group']} has {free * size / GIB:.1f} GiB left, and {', '.join(lacking)} would need "
            f"{sum(lacking.values()) * size / GIB:.1f} GiB more: no volume is ever made smaller. Correct the percents in data_volumes_wanted, "
            "or grow the disk (terraform/README.md, Data disks)."
        )


def _of_folders(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for volume in wanted["volumes"]:
        folder = seen["folders"][volume["path"]]
        own = seen["volumes"].get(volume["name"], {}).get("number")
        if folder["number"] and folder["number"] != own:
            yield (
                f"Something else is mounted at {volume['path']} (`findmnt {volume['path']}`). Unmount it, or give the volume {volume['name']} "
                "another path in data_volumes_wanted."
            )
        elif not folder["number"] and not folder["empty"]:
            yield (
                f"{volume['path']} holds files, which a mount would hide. Move them away (`sudo mv {volume['path']} {volume['path']}.old`), run this "
                "playbook again, and copy them into the volume."
            )


def _physical_volume(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return LVM's row of the disk, {} where it is no physical volume."""
    path = seen["disk"].get("path")
    return next((row for row in seen["physical_volumes"] if row["pv_name"] == path), {})


def _inactive(seen: Mapping[str, Any]) -> bool:
    """Tell whether a volume has no device, as after a machine was made anew around an old disk."""
    return any(not volume["number"] for volume in seen["volumes"].values())


def _grown(seen: Mapping[str, Any]) -> int:
    """Return how many extents more the disk has room for than its physical volume."""
    own = _physical_volume(seen)
    return max(0, (seen["disk"]["bytes"] - int(own["pe_start"])) // int(own["vg_extent_size"]) - int(own["pv_pe_count"]))


def _extents(seen: Mapping[str, Any], volume: Mapping[str, Any], grown: int = 0) -> int:
    """Return how many extents a volume is to have; `grown` come to the group before."""
    return int((int(_physical_volume(seen)["vg_extent_count"]) + grown) * volume["percent"]) // 100


def _lacks(seen: Mapping[str, Any], volume: Mapping[str, Any], grown: int = 0) -> int:
    """Return how many extents a volume has too few; 0 where it is larger."""
    found = seen["volumes"].get(volume["name"])
    has = found["bytes"] // int(_physical_volume(seen)["vg_extent_size"]) if found else 0
    return max(0, _extents(seen, volume, grown) - has)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Sequence[Any] | str]]:
        """Return the filters by name."""
        return {
            "mount_unit": mount_unit,
            "volume_findings": volume_findings,
            "volume_group_steps": volume_group_steps,
            "volume_steps": volume_steps,
        }
