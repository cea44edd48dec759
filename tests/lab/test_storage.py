"""storage.yml: volumes on the data disk, NFS over them, and disks that are left alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.hosts.lab import SPARE_GIB
from tests.lab.hosts.storage import give_disks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.hosts.disk import Disk
    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator, Play

FOLDERS = ("/srv/nfs/shared", "/srv/nfs/backup")
TRIAL = "/srv/trial"
LINK = "/dev/disk/by-id/virtio-spare"
# One partition of the type Linux, from sector 2048 on.
PARTITION_TABLE = f"""
import struct
table = b"\\0" * 446 + struct.pack("<B3xB3xII", 0, 0x83, 2048, 4096) + b"\\0" * 48 + b"\\x55\\xaa"
open({LINK!r}, "r+b").write(table)
"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    return lab.group("storage")[0]


@pytest.fixture(scope="module")
def served(host: Host, operator: Operator, evidence: Callable[[str], None]) -> Host:
    """A storage machine with what the plan says."""
    play = operator.converge("storage")
    evidence(f"storage.yml took {play.seconds:.0f} s, with {play.changed} changes")
    return host


def test_the_volumes_are_those_of_the_plan_and_nfs_is_for_the_networks_of_kubernetes(served: Host, lab: Lab) -> None:
    for folder in FOLDERS:
        assert served.do("findmnt", "--noheadings", "--output", "FSTYPE", folder).strip() == "ext4"
    gib = served.node["data_disk_gib"]
    sizes = [int(size) for size in served.do("df", "--output=size", "--block-size=1", *FOLDERS).split()[1:]]
    # Less what file systems keep for themselves.
    assert sum(sizes) > (gib << 30) * 0.95
    assert 3.5 < sizes[0] / sizes[1] < 4.5
    (network,) = {node["network"] for node in lab.plan["nodes"] if {"k3s_servers", "k3s_agents"} & set(node["groups"])}
    (cidr,) = [row["cidr"] for row in lab.plan["networks"] if row["key"] == network]
    exported = [line.split("\t") for line in served.do("cat", "/var/lib/nfs/etab").splitlines()]
    assert sorted(path for path, _ in exported) == sorted(FOLDERS)
    for _, client in exported:
        assert client.startswith(f"{cidr}(rw,sync,"), client
        assert {"root_squash", "mountpoint", "no_subtree_check"} <= set(client.strip(")").split(","))
    assert served.do("stat", "--format=%u:%g", *FOLDERS).split() == ["65534:65534"] * 2


def test_nothing_of_the_older_versions_of_nfs_is_left(served: Host) -> None:
    settings = served.do("nfsconf", "--dump")
    assert "vers3 = n" in settings
    assert "vers4 = y" in settings
    for unit in ("rpcbind.socket", "rpcbind.service", "rpc-statd.service"):
        assert served.inside("systemctl", "is-enabled", unit).stdout.strip() == "masked", unit
        assert served.inside("systemctl", "is-active", unit).stdout.strip() == "inactive", unit


def test_a_second_run_and_a_look_change_nothing(served: Host, operator: Operator) -> None:
    for options in ((), ("--check",)):
        play = operator.converge("storage", *options)
        assert not play.changed, play.out


def test_volumes_and_exports_are_back_after_a_restart_with_what_was_in_them(served: Host) -> None:
    served.do("tee", f"{FOLDERS[0]}/kept", stdin="kept\n")
    served.halt()
    served.start()
    served.wait_up()
    assert served.do("cat", f"{FOLDERS[0]}/kept") == "kept\n"
    for folder in FOLDERS:
        assert served.do("findmnt", "--noheadings", "--output", "FSTYPE", folder).strip() == "ext4"
    assert served.do("systemctl", "is-active", "nfs-server").strip() == "active"
    after = served.do("systemctl", "show", "--property=After", "nfs-server")
    assert {"srv-nfs-shared.mount", "srv-nfs-backup.mount"} <= set(after.strip().removeprefix("After=").split())


def test_a_machine_that_was_made_anew_finds_its_data(served: Host, operator: Operator, lab: Lab) -> None:
    served.do("tee", f"{FOLDERS[1]}/kept", stdin="kept\n")
    served.halt()
    served.wipe()
    served.start()
    served.wait_up()
    operator.meet(lab)
    assert "mkfs.ext4" not in operator.converge("storage").out
    assert served.do("cat", f"{FOLDERS[1]}/kept") == "kept\n"


def test_exports_that_exportfs_refuses_are_not_written(served: Host, operator: Operator) -> None:
    before = served.do("cat", "/etc/exports.d/cluster.exports")
    play = operator.play("storage", "-e", json.dumps({"nfs_server_clients": ["10.17.4.0/33"]}))
    assert play.code
    assert "Invalid prefix `33' for 10.17.4.0/33" in play.all
    assert served.do("cat", "/etc/exports.d/cluster.exports") == before
    assert "10.17.4.0/33" not in served.do("cat", "/var/lib/nfs/etab")


# -- disks that are not as planned -------------------------------------------------------------------------------------


@pytest.fixture
def spare(served: Host, operator: Operator) -> Iterator[Disk]:
    """A small empty disk, beside the one of the plan."""
    _, disk = served.disks
    yield disk
    served.inside("systemctl", "--quiet", "disable", "--now", "srv-trial.mount")
    served.do("rm", "-rf", "/etc/systemd/system/srv-trial.mount", TRIAL)
    served.do("systemctl", "daemon-reload")
    exchange(served, disk, SPARE_GIB)


def exchange(host: Host, disk: Disk, gib: int) -> None:
    """Put an empty disk in place of another one."""
    # LVM makes no group whose folder is there.
    host.do("rm", "-rf", "/dev/trial")
    disk.erase(gib)
    give_disks(host.root, host.disks)
    host.do("/usr/local/lib/lab-volumes")


def wish(**changes: Any) -> tuple[str, str]:
    """Return the options that let the playbook take the spare disk."""
    volumes = [{"name": "trial", "percent": 100, "path": TRIAL}]
    given = {"data_volumes_disk": LINK, "data_volumes_group": "trial", "data_volumes_gib": 1}
    # What is exported stays: these tests are about the disk.
    return "-e", json.dumps(given | {"data_volumes_wanted": volumes, "nfs_server_folders": list(FOLDERS)} | changes)


def refusal(play: Play) -> str:
    """Return what a playbook said that stopped before it changed anything."""
    assert play.code
    assert not play.changed, play.out
    return " ".join(play.out.split())


@pytest.mark.parametrize(
    ("make", "held"),
    [
        (["mkfs.ext4", "-q", LINK], "ext4"),
        (["python3", "-c", PARTITION_TABLE], "dos"),
        (["vgcreate", "theirs", LINK], "the volume group theirs"),
        (["tee", LINK], "data of a kind that no program here knows"),
    ],
    ids=["file-system", "partitions", "lvm", "unknown"],
)
def test_what_others_keep_on_a_disk_survives_until_a_person_empties_it(
    spare: Disk, served: Host, operator: Operator, make: list[str], held: str
) -> None:
    served.do(*make, stdin="theirs\n")
    content = ("sh", "-c", f"head --bytes=4M {LINK} | sha256sum")
    before = served.do(*content)
    said = refusal(operator.play("storage", *wish()))
    assert f"GiB) holds {held}: nothing was changed." in said
    assert served.do(*content) == before
    remedy = said.split("empty it with `")[1].split("`")[0]
    served.do("sh", "-c", remedy)
    assert "mkfs.ext4" in operator.converge("storage", *wish()).out
    assert served.do("findmnt", "--noheadings", "--output", "FSTYPE", TRIAL).strip() == "ext4"


def test_a_disk_that_is_mounted_elsewhere_is_named_with_its_place(
    spare: Disk, served: Host, operator: Operator
) -> None:
    served.do("mkfs.ext4", "-q", LINK)
    served.do("mkdir", "-p", "/mnt/theirs")
    served.do("mount", LINK, "/mnt/theirs")
    try:
        said = refusal(operator.play("storage", *wish()))
        assert "holds ext4, in use at /mnt/theirs: nothing was changed." in said
        served.do("sh", "-c", said.split("empty it with `")[1].split("`")[0])
    finally:
        served.inside("umount", "/mnt/theirs")
    operator.converge("storage", *wish())


def test_a_disk_that_is_missing_or_too_small_is_told_with_the_way_out(spare: Disk, operator: Operator) -> None:
    said = refusal(operator.play("storage", *wish(data_volumes_disk="/dev/disk/by-id/virtio-none")))
    assert "The data disk /dev/disk/by-id/virtio-none is missing. Is it attached (`virsh domblklist`)?" in said
    said = refusal(operator.play("storage", *wish(data_volumes_gib=3)))
    assert f"The data disk {LINK} has 2.0 GiB, the plan says 3. Grow it (terraform/README.md, Data disks)" in said


def test_files_that_a_mount_would_hide_are_named(spare: Disk, served: Host, operator: Operator) -> None:
    served.do("mkdir", "-p", TRIAL)
    served.do("touch", f"{TRIAL}/theirs")
    said = refusal(operator.play("storage", *wish()))
    assert f"{TRIAL} holds files, which a mount would hide." in said


def test_a_volume_group_of_that_name_is_taken_over_when_a_person_says_so(
    spare: Disk, served: Host, operator: Operator
) -> None:
    served.do("vgcreate", "trial", LINK)
    said = refusal(operator.play("storage", *wish()))
    assert "The volume group trial on" in said
    served.do("sh", "-c", said.split("say so with `")[1].split("`")[0])
    operator.converge("storage", *wish())


def test_a_disk_that_grew_lets_volume_and_file_system_grow(
    spare: Disk, served: Host, operator: Operator, evidence: Callable[[str], None]
) -> None:
    operator.converge("storage", *wish())
    served.do("tee", f"{TRIAL}/kept", stdin="kept\n")
    size = ("df", "--output=size", "--block-size=1M", TRIAL)
    before = int(served.do(*size).split()[1])
    spare.grow(SPARE_GIB + 1)
    assert operator.converge("storage", *wish()).changed
    after = int(served.do(*size).split()[1])
    evidence(f"a disk that grew by 1024 MiB: the file system had {before} MiB and has {after}")
    assert after - before > 900
    assert served.do("cat", f"{TRIAL}/kept") == "kept\n"
    assert not operator.converge("storage", *wish()).changed


@pytest.mark.parametrize("ended", ["vgcreate", "lvcreate", "mkfs.ext4"])
def test_a_run_that_was_killed_is_completed_by_the_next(
    spare: Disk, served: Host, operator: Operator, ended: str
) -> None:
    """The program does its work, and the run ends with it."""
    wrapper = f"/usr/local/sbin/{ended}"
    kept = served.inside("cat", wrapper).stdout
    real = f"/usr/sbin/{ended}"
    served.do("tee", wrapper, stdin=f'#!/bin/sh\n{real} "$@"\n/usr/local/lib/lab-volumes\nexit 1\n')
    served.do("chmod", "755", wrapper)
    try:
        assert operator.play("storage", *wish()).code
        marks = served.inside("lvs", "--noheadings", "--options", "lv_tags", "trial/trial").stdout.split()
        assert marks == ([] if ended == "vgcreate" else ["flatcar-microcloud.new"])
    finally:
        served.do("sh", "-c", f"cat > {wrapper} && chmod 755 {wrapper}" if kept else f"rm {wrapper}", stdin=kept)
    operator.converge("storage", *wish())
    assert served.do("findmnt", "--noheadings", "--output", "FSTYPE", TRIAL).strip() == "ext4"
    assert not operator.converge("storage", *wish()).changed
