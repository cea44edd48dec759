"""What may be done to a data disk: judged from what the system's programs say of it."""

from __future__ import annotations

import re
import runpy
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import require_tool
from tests.template.conftest import ROOT
from tests.template.infra_tree import CLUSTERS, Infra, render_infra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.template.conftest import Render

# Not imported: that would leave bytecode in the template.
FILTERS: Mapping[str, Callable[..., Any]] = runpy.run_path(
    str(ROOT / "templates/infra/ansible/plugins/filter/volumes.py")
)["FilterModule"]().filters()
LINK = "/dev/disk/by-id/virtio-data"
GIB = 1 << 30
WISH: dict[str, Any] = {
    "disk": LINK,
    "gib": 2,
    "group": "data",
    "volumes": [
        {"name": "shared", "percent": 80, "path": "/srv/nfs/shared"},
        {"name": "backup", "percent": 20, "path": "/srv/nfs/backup"},
    ],
}
EMPTY = {"path": "/dev/vdb", "bytes": 2 * GIB, "blank": True, "signatures": [], "mounted": []}
TAKEN = EMPTY | {"blank": False, "signatures": ["LVM2_member"]}
# As `pvs` of LVM 2.03 says it of a disk of 2 GiB.
ROW = {
    **{"pv_name": "/dev/vdb", "vg_name": "data", "vg_tags": "flatcar-microcloud", "pe_start": "1048576"},
    **{"pv_pe_count": "511", "dev_size": "2147483648"},
    **{"vg_extent_size": "4194304", "vg_extent_count": "511", "vg_free_count": "511"},
}
FULL = ROW | {"vg_free_count": "1"}


def seen(**changes: Any) -> dict[str, Any]:
    folders = {path: {"number": "", "empty": True} for path in ("/srv/nfs/shared", "/srv/nfs/backup")}
    return {"disk": EMPTY, "physical_volumes": [], "volumes": {}, "folders": folders, **changes}


def volume(extents: int, number: str = "253:0", **changes: Any) -> dict[str, Any]:
    return {"bytes": extents << 22, "tags": [], "number": number, "signatures": ["ext4"], **changes}


def findings(state: Mapping[str, Any], wish: Mapping[str, Any] = WISH) -> list[str]:
    return list(FILTERS["volume_findings"](state, wish))


COMPLETE = seen(
    disk=TAKEN,
    physical_volumes=[FULL],
    volumes={"shared": volume(408), "backup": volume(102, "253:1")},
    folders={
        "/srv/nfs/shared": {"number": "253:0", "empty": False},
        "/srv/nfs/backup": {"number": "253:1", "empty": True},
    },
)


# -- what is done ------------------------------------------------------------------------------------------------------


def test_an_empty_disk_becomes_a_group_that_carries_a_mark() -> None:
    assert findings(seen()) == []
    assert FILTERS["volume_group_steps"](seen(), WISH) == [
        ["vgcreate", "--addtag", "flatcar-microcloud", "data", "/dev/vdb"]
    ]
    # Where somebody only looks, nothing was made that volumes could be made in.
    assert FILTERS["volume_steps"](seen(), WISH) == []


def test_a_file_system_is_made_in_a_volume_that_was_just_made_and_the_mark_goes_last() -> None:
    steps = FILTERS["volume_steps"](seen(disk=TAKEN, physical_volumes=[ROW]), WISH)
    assert [step[0] for step in steps] == ["lvcreate", "mkfs.ext4", "lvchange"] * 2
    assert steps[0][-5:] == ["--extents", "408", "--name", "shared", "data"]
    assert "flatcar-microcloud.new" in steps[0]
    assert steps[1][-1] == "/dev/data/shared"
    assert steps[2] == ["lvchange", "--deltag", "flatcar-microcloud.new", "data/shared"]


def test_what_is_complete_is_left_alone() -> None:
    assert findings(COMPLETE) == []
    assert FILTERS["volume_group_steps"](COMPLETE, WISH) == []
    assert FILTERS["volume_steps"](COMPLETE, WISH) == []


@pytest.mark.parametrize("signatures", [[], ["ext4"]])
def test_a_volume_without_a_finished_file_system_gets_one(signatures: list[str]) -> None:
    """A run ended before the mark was taken away; nothing was ever mounted from that volume."""
    state = seen(
        disk=TAKEN,
        physical_volumes=[FULL],
        volumes={"shared": volume(408, tags=["flatcar-microcloud.new"], signatures=signatures), "backup": volume(102)},
    )
    assert findings(state) == []
    assert [step[0] for step in FILTERS["volume_steps"](state, WISH)] == ["mkfs.ext4", "lvchange"]


def test_volumes_of_a_machine_that_was_made_anew_are_brought_up_and_never_made() -> None:
    down = {"shared": volume(408, "", signatures=[]), "backup": volume(102, "", signatures=[])}
    state = seen(disk=TAKEN, physical_volumes=[FULL], volumes=down)
    assert findings(state) == []
    assert FILTERS["volume_group_steps"](state, WISH) == [["vgchange", "--activate", "y", "data"]]
    assert FILTERS["volume_steps"](state, WISH) == []


def test_a_disk_that_grew_gives_its_volumes_their_share() -> None:
    grown = COMPLETE | {"disk": TAKEN | {"bytes": 3 * GIB}}
    assert findings(grown) == []
    assert FILTERS["volume_group_steps"](grown, WISH) == [["pvresize", "/dev/vdb"]]
    row = FULL | {"pv_pe_count": "767", "vg_extent_count": "767", "vg_free_count": "257"}
    assert FILTERS["volume_steps"](grown | {"physical_volumes": [row]}, WISH) == [
        ["lvextend", "--extents", "613", "data/shared"],
        ["lvextend", "--extents", "153", "data/backup"],
    ]


def test_a_run_that_ended_before_the_group_was_made_goes_on() -> None:
    orphan = ROW | {"vg_name": "", "vg_tags": ""}
    state = seen(disk=TAKEN, physical_volumes=[orphan])
    assert findings(state) == []
    assert [step[0] for step in FILTERS["volume_group_steps"](state, WISH)] == ["vgcreate"]


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (seen(disk={}), f"The data disk {LINK} is missing."),
        (seen(disk=EMPTY | {"bytes": GIB}), f"The data disk {LINK} has 1.0 GiB, the plan says 2."),
        (seen(disk=EMPTY | {"blank": False}), "holds data of a kind that no program here knows: nothing was changed"),
        (seen(disk=EMPTY | {"blank": False, "signatures": ["gpt", "PMBR"]}), "holds PMBR and gpt: nothing was changed"),
        (
            seen(disk=EMPTY | {"blank": False, "signatures": ["ext4"], "mounted": ["/mnt"]}),
            "holds ext4, in use at /mnt: nothing was changed",
        ),
        (
            seen(disk=TAKEN, physical_volumes=[ROW | {"vg_name": "theirs"}]),
            "holds the volume group theirs: nothing was changed",
        ),
        (seen(disk=TAKEN), "holds a physical volume that LVM does not list"),
        (
            seen(disk=TAKEN, physical_volumes=[ROW | {"vg_tags": ""}]),
            "The volume group data on /dev/vdb was not made by this playbook.",
        ),
        (
            seen(physical_volumes=[ROW | {"pv_name": "/dev/vdc"}]),
            "There is a volume group data already, on /dev/vdc and not on /dev/vdb.",
        ),
        (
            seen(disk=TAKEN, physical_volumes=[FULL], volumes={"shared": volume(408, signatures=["xfs"])}),
            "The volume data/shared holds xfs and not ext4",
        ),
        (
            seen(disk=TAKEN, physical_volumes=[FULL], volumes={"shared": volume(408, signatures=[])}),
            "The volume data/shared holds no file system and not ext4",
        ),
        (
            seen(disk=TAKEN, physical_volumes=[FULL], volumes={"shared": volume(510)}),
            "The volume group data has 0.0 GiB left, and backup would need 0.4 GiB more",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_do_harm_is_refused(state: Mapping[str, Any], said: str) -> None:
    assert any(said in finding for finding in findings(state)), findings(state)


def test_a_folder_that_holds_files_or_another_mount_is_refused() -> None:
    folders = {
        "/srv/nfs/shared": {"number": "", "empty": False},
        "/srv/nfs/backup": {"number": "8:1", "empty": False},
    }
    hidden, other = findings(seen(folders=folders))
    assert "/srv/nfs/shared holds files, which a mount would hide." in hidden
    assert "Something else is mounted at /srv/nfs/backup" in other


def test_a_wish_that_does_not_fit_on_a_disk_is_refused() -> None:
    twice = [{"name": "shared", "percent": 60, "path": "/srv/nfs/shared"}] * 2
    found = " ".join(findings(seen(), WISH | {"volumes": twice}))
    assert "Two volumes have the name shared." in found
    assert "Two volumes have the path /srv/nfs/shared." in found
    assert "The volumes are to have 120 % of the disk together." in found


def test_the_way_to_empty_a_disk_begins_with_what_uses_it() -> None:
    disk = TAKEN | {"mounted": ["/mnt", "[SWAP]"]}
    (finding,) = findings(seen(disk=disk, physical_volumes=[ROW | {"vg_name": "theirs"}]))
    assert (
        "`sudo umount /mnt && sudo swapoff /dev/vdb && sudo vgremove --yes theirs && sudo pvremove /dev/vdb && "
        "sudo wipefs --all /dev/vdb && sudo dd if=/dev/zero of=/dev/vdb bs=1M count=1`"
    ) in finding


# -- names and places --------------------------------------------------------------------------------------------------


@pytest.mark.tools
def test_units_are_named_as_systemd_names_them() -> None:
    escape = require_tool("systemd-escape")
    paths = ["/srv/nfs/shared", "/srv/a-b", "/srv/.hidden/x.y", "/srv/ä", "/.x"]
    named = subprocess.run(
        [escape, "--path", "--suffix=mount", *paths], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert [FILTERS["mount_unit"](path) for path in paths] == named


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, request.param, tmp_path_factory.mktemp("answers"))


def test_nfs_is_for_the_networks_of_kubernetes_alone(infra: Infra) -> None:
    keys = {node.network for node in infra.plan.nodes if {"k3s_servers", "k3s_agents"} & set(node.groups)}
    networks = [network.cidr for network in infra.plan.networks if network.key in keys]
    for node in infra.plan.nodes:
        found = [rule for rule in infra.rendered_plan["firewall"][node.name]["rules"] if rule["name"] == "nfs"]
        wanted = {"name": "nfs", "protocol": "tcp", "port": 2049, "sources": networks}
        assert found == ([wanted] if "storage" in node.groups else [])


def test_the_disk_is_found_by_the_serial_number_that_terraform_gives_it(infra: Infra) -> None:
    domain = infra.root / "terraform/modules/libvirt-node/domain.tf"
    serial = re.search(r'local\.made\.data_disk\[\*\] : \{.*serial = "(\w+)"', domain.read_text())
    assert serial is not None
    defaults = (infra.ansible / "roles/data_volumes/defaults/main.yml").read_text()
    assert f"data_volumes_disk: /dev/disk/by-id/virtio-{serial[1]}\n" in defaults
