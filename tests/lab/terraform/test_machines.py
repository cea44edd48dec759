"""What Terraform plans and does when the machines of a small cluster change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.terraform.changes import DISK, DOMAIN, NODE, NODE_FIELDS, everything_otherwise, touched
from tests.lab.terraform.site import GIB, LARGER, Site, copy_site, make_site
from tests.template.infra_machines import render_machines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.hosts.hypervisor import Hypervisor
    from tests.template.conftest import Render
    from tests.template.infra_tree import Infra

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def infra(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    """A master with a data disk, an infra machine, and a machine beside them with a data disk."""
    return render_machines(render, "single-with-a-database", tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def made(infra: Infra, first: Hypervisor, tmp_path_factory: pytest.TempPathFactory) -> Site:
    first.clear()
    site = make_site(infra.root, tmp_path_factory.mktemp("site"), {"kvm1": first})
    site.apply()
    return site


@pytest.fixture
def site(made: Site, tmp_path: Path) -> Site:
    """The cluster, for tests that leave its machines alone."""
    return copy_site(made, tmp_path / "site")


@pytest.fixture
def own(infra: Infra, cleared: Hypervisor, tmp_path: Path) -> Site:
    """Another such cluster, made for one test."""
    site = make_site(infra.root, tmp_path / "site", {"kvm1": cleared})
    site.apply()
    return site


def test_a_second_plan_changes_nothing(site: Site) -> None:
    assert site.planned() == {}
    assert site.output("pending") == site.output("pending_networks") == {}


def test_a_machine_is_what_the_plan_says(made: Site) -> None:
    """Nothing of it got lost on the way: a misspelled nested key would be dropped without a word."""
    domains = made.host.defined("domain")
    assert made.host.running() == set(domains) == {"mini-db1", "mini-infra1", "mini-master1"}
    domain = domains["mini-db1"]
    node = next(node for node in json.loads((made.root / "plan.json").read_text())["nodes"] if node["name"] == "db1")
    assert domain.findtext("memory") == str(node["memory_mib"] * 1024)
    assert domain.findtext("vcpu") == str(node["cpus"])
    assert domain.find("os/type[@arch='x86_64']") is not None
    assert "-q35-" in domain.find("os/type").attrib["machine"]  # type: ignore[union-attr]
    assert domain.find("features/acpi") is not None
    assert [card.attrib["address"] for card in domain.iterfind("devices/interface/mac")] == [node["mac"]]
    assert [network.attrib["bridge"] for network in domain.iterfind("devices/interface/source")] == ["br0"]
    assert [serial.text for serial in domain.iterfind("devices/disk/serial")] == ["root", "data", "seed"]
    assert domain.find("devices/channel/target[@name='org.qemu.guest_agent.0']") is not None
    assert domain.find("devices/console/target[@type='serial']") is not None
    assert domain.find("devices/rng[@model='virtio']") is not None
    (entry,) = domains["mini-master1"].iterfind("sysinfo/entry")
    assert entry.attrib["name"] == "opt/org.flatcar-linux/config"
    path = made.host.root / entry.attrib["file"].lstrip("/")
    assert json.loads(path.read_text())["ignition"]["version"] == "3.4.0"


def test_the_first_boot_of_a_linux_machine_is_read_by_cloud_inits_name(made: Site) -> None:
    (seed,) = (path for path in made.host.files() if path == "db1-g1-seed.iso")
    listing = made.host.inside("sh", "-c", f"blkid -o value -s LABEL /var/lib/libvirt/images/mini/{seed}")
    assert listing.strip() == "cidata"


# -- what exists waits for its generation ------------------------------------------------------------------------------


def test_nothing_of_a_machine_that_exists_changes_before_its_generation(own: Site) -> None:
    """faults A7: new data disks stopped all masters together, and a changed MAC went into running machines."""

    def differently(plan: dict[str, Any]) -> None:
        everything_otherwise(plan, "infra1")
        for number, node in enumerate(plan["nodes"]):
            if node["name"] != "infra1":
                node |= {"mac": f"52:54:00:00:01:0{number}", "cpus": 9, "memory_mib": 9000, "disk_gib": 99}

    before = own.host.running()
    own.change_plan(differently)
    own.image("other")
    planned = own.planned()
    assert touched(planned) == set()
    assert planned[DISK.format("infra1") + ".libvirt_volume.this"] == "create"
    own.apply()
    assert own.host.running() == before
    assert own.output("pending") == {
        "infra1": sorted(
            ["configuration", "cpus", "data_disk", "disk_gib", "image", "libvirt_name", "mac", "memory_mib", "network"]
        ),
        "db1": ["configuration", "cpus", "disk_gib", "mac", "memory_mib"],
        "master1": ["configuration", "cpus", "disk_gib", "mac", "memory_mib"],
    }

    own.generations({"infra1": 2})
    planned = own.planned()
    assert DOMAIN.format("infra1") in touched(planned)
    its_own = (NODE.format("infra1"), 'terraform_data.place["infra1-', 'terraform_data.network["infra1-')
    assert all(address.startswith(its_own) for address in planned), planned
    own.apply()
    assert sorted(own.output("pending")) == ["db1", "master1"]
    domain = own.host.defined("domain")["other"]
    assert [card.attrib["address"] for card in domain.iterfind("devices/interface/mac")] == [NODE_FIELDS["mac"]]
    assert [serial.text for serial in domain.iterfind("devices/disk/serial")] == ["root", "data", "seed"]
    assert own.planned() == {}


def test_a_machine_with_another_system_waits_like_any_other(own: Site) -> None:
    """What a machine reads at its first boot follows from its system, and must not be taken from one that runs."""
    own.change(lambda nodes: nodes["db1"].update(os="flatcar", image="flatcar"))
    assert touched(own.planned()) == set()
    own.apply()
    assert own.output("pending") == {"db1": ["configuration", "image", "os"]}
    own.generations({"db1": 2})
    own.apply()
    assert "db1-g2.ign" in own.host.files()
    assert "db1-g1-seed.iso" not in own.host.files()


def test_machines_that_run_an_old_first_boot_are_named(site: Site) -> None:
    """faults D5: after a changed snippet the plan is empty, and nobody could see which machines are old."""
    (site.folder / "cloud-init/snippets/infra.yaml").write_text("packages: [tcpdump]\n")
    assert site.planned() == {}
    site.apply()
    assert site.output("pending") == {"infra1": ["configuration"]}


def test_what_the_provider_staged_may_vanish(site: Site) -> None:
    """faults D8: a reboot of the admin machine empties its temporary folder."""
    for path in (site.world / "tmp").glob("terraform-provider-libvirt-*/*"):
        path.unlink()
    planned = site.planned()
    assert planned
    assert all("libvirt_ignition" in address or "libvirt_cloudinit_disk" in address for address in planned)


def test_a_machine_that_is_powered_off_is_no_change_and_one_that_is_gone_is_made(own: Site) -> None:
    """faults D6."""
    own.host.virsh("destroy", "mini-db1")
    assert own.planned() == {}
    own.host.virsh("undefine", "mini-db1")
    assert own.planned() == {DOMAIN.format("db1"): "create"}
    own.apply()
    assert "mini-db1" in own.host.running()


# -- what can fail is judged first -------------------------------------------------------------------------------------


def test_an_image_that_is_not_what_is_pinned_stops_the_plan_and_nothing_is_lost(site: Site) -> None:
    """faults D1: the machine was destroyed, and then its image refused."""
    site.pin("debian", "ab" * 64)
    assert site.planned() == {}
    site.generations({"db1": 2})
    said = site.refusal()
    assert "An image is not there, or is not what versions.yaml says: debian (" in said
    assert "Run `make images`" in said
    before = site.host.files(), site.host.running()
    assert site.run("apply", "-auto-approve", "-input=false").returncode == 1
    assert (site.host.files(), site.host.running()) == before

    # What `make images` would not have left there.
    path = site.folder / "images" / f"{'ab' * 8}.qcow2"
    path.write_bytes(b"tampered with")
    path.with_suffix(".json").write_text(json.dumps({"sha512": "ab" * 64, "virtual_size": GIB}))
    assert "An image is not there" in site.refusal()
    site.image("debian", "a newer one")
    assert DOMAIN.format("db1") in site.planned()


def test_a_disk_smaller_than_its_image_stops_the_plan(site: Site) -> None:
    site.image("debian", "a larger one", 12 * GIB)
    site.generations({"db1": 2})
    assert "The disk is smaller than the image that it starts from: db1 (10 GiB)." in site.refusal()


def test_a_host_with_too_little_memory_is_told(site: Site) -> None:
    site.change(lambda nodes: nodes["db1"].update(memory_mib=1 << 30, cpus=4096))
    said = " ".join(site.run("plan", "-input=false").stdout.split())
    assert "MiB of memory together, the host has" in said
    assert "A machine on kvm1 has more processors than the host" in said


def test_a_rebuild_that_failed_halfway_is_completed_by_the_next_run(own: Site) -> None:
    own.image("debian", LARGER)
    own.generations({"db1": 2})
    with own.host.full():
        assert "No space left on device" in own.run("apply", "-auto-approve", "-input=false").stderr
        assert "mini-db1" not in own.host.running()
    own.apply()
    assert own.planned() == {}
    assert "mini-db1" in own.host.running()


# -- networks ----------------------------------------------------------------------------------------------------------


def test_a_network_stays_as_it_was_made_until_it_is_replaced_as_the_readme_says(own: Site) -> None:
    """The provider changes none in place: an apply ended with an inconsistent result, every time."""
    own.host.virsh("shutdown", "mini-db1")
    own.change_plan(lambda plan: plan["hosts"][0].update(bridge="br1"))
    assert own.planned() == {}
    own.apply()
    assert own.output("pending_networks") == {"kvm1": {"edge": ["bridge"]}}
    network = 'module.host_kvm1.module.network["edge"]'
    readme = (own.folder / "README.md").read_text().replace('network["cluster"]', 'network["edge"]')
    assert f"terraform state rm '{network}.terraform_data.made'" in readme
    assert f"terraform apply -replace='{network}.libvirt_network.this'" in readme
    assert own.run("state", "rm", f"{network}.terraform_data.made").returncode == 0
    done = own.run("apply", "-auto-approve", "-input=false", f"-replace={network}.libvirt_network.this")
    assert done.returncode == 0, done.stderr
    assert own.host.defined("network")["mini-br0"].find("bridge[@name='br1']") is not None
    assert own.planned() == {}
    assert own.output("pending_networks") == {}
    assert own.output("pending") == {}


# -- data disks --------------------------------------------------------------------------------------------------------


def test_a_machine_that_goes_does_not_take_its_data_along(own: Site) -> None:
    """faults A6: fewer machines in the answers deleted the last one's data disk."""
    own.change(lambda nodes: nodes.pop("db1") and None)
    assert f"{DISK.format('db1')}.libvirt_volume.this has lifecycle.prevent_destroy set" in own.refusal()
    # As terraform/README.md says.
    assert own.run("state", "rm", DISK.format("db1")).returncode == 0
    planned = own.planned()
    assert planned[DOMAIN.format("db1")] == "delete"
    assert all("db1" in address for address in touched(planned))
    own.apply()
    assert "db1-data.qcow2" in own.host.files()
    assert "mini-db1" not in own.host.defined("domain")


def test_a_data_disk_is_not_destroyed_by_an_answer(site: Site) -> None:
    """faults A6: `data_disk_gib: 0` deleted all data disks of a role."""
    site.change(lambda nodes: nodes["master1"].update(data_disk_gib=0))
    assert f"{DISK.format('master1')}.libvirt_volume.this has lifecycle.prevent_destroy set" in site.refusal()


def test_another_size_of_a_data_disk_is_told_and_settled_by_the_readmes_commands(own: Site) -> None:
    """faults A8: it was passed over in silence, and failed in every comparison after that."""
    own.change(lambda nodes: nodes["master1"].update(data_disk_gib=120))
    assert "The data disk of master1 has 80 GiB, the plan says 120." in own.refusal()
    record = f"{DISK.format('master1')}.terraform_data.capacity_gib"
    readme = (own.folder / "README.md").read_text().replace("worker1", "master1")
    assert f"terraform state rm '{record}'" in readme
    assert "blockresize home-master1 vdb 120GiB" in readme
    own.host.virsh("blockresize", "mini-master1", "vdb", "120GiB")
    assert own.run("state", "rm", record).returncode == 0
    assert own.planned() == {record: "create"}
    own.apply()
    assert "Capacity:       120.00 GiB" in own.host.virsh("vol-info", "--pool", "mini", "master1-data.qcow2")
    assert own.planned() == {}


# -- the way down ------------------------------------------------------------------------------------------------------


def test_the_way_down_leaves_nothing_of_the_cluster_and_touches_nothing_else(own: Site) -> None:
    """faults C14: prevent_destroy of data disks left no way at all."""
    foreign = own.host.root / "var/lib/libvirt/images/mini/other.qcow2"
    foreign.write_text("somebody else's")
    (own.host.root / "tmp/other.xml").write_text(
        "<domain type='qemu'><name>other</name><memory>65536</memory><os><type>hvm</type></os></domain>"
    )
    own.host.virsh("define", "/tmp/other.xml")
    before = own.host.files()
    refused = own.destroy("mini-2\n")
    assert refused.returncode != 0
    assert "That is not mini. Nothing was destroyed." in refused.stderr
    assert own.host.files() == before

    done = own.destroy("mini\n")
    assert done.returncode == 0, done.stderr
    assert '  module.host_kvm1.module.data_disk["db1"], with all that is on it' in done.stdout
    assert own.host.files() == {"other.qcow2"}
    assert set(own.host.defined("domain")) == {"other"}
    assert own.host.defined("network") == own.host.defined("pool") == {}
    assert "Nothing is there" in own.destroy("").stdout
    # Nothing remembers that there was a cluster.
    own.apply()
    assert set(own.host.defined("domain")) == {"other", "mini-db1", "mini-infra1", "mini-master1"}
