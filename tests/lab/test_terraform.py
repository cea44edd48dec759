"""What Terraform plans and does when the machines change: real runs, on stand-ins for the providers."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import require_tool
from tests.lab.terraform_site import GIB, Site, copy_site, make_site
from tests.template.conftest import renderer
from tests.template.infra_machines import render_machines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

pytestmark = pytest.mark.tools
HOST = "module.host_kvm1"
NODE = HOST + '.module.node["{}"]'
DOMAIN = NODE + ".libvirt_domain.this"
DISK = HOST + '.module.data_disk["{}"]'
# Another value for each field of the plan that a machine or a network has, but for what it is known by.
NODE_FIELDS: dict[str, Any] = {
    "derived": "other",
    "role": "plain",
    "groups": ["others"],
    "os": "linux",
    "image": "other",
    "distribution": "Other",
    "host": "kvm2",
    "network": "other",
    "address": "192.168.0.99",
    "prefix": 24,
    "gateway": "192.168.0.1",
    "routes": [{"to": "10.99.0.0/16", "via": "192.168.0.2"}],
    "dns_servers": ["192.0.2.1"],
    "ntp_servers": ["192.0.2.2"],
    "mac": "52:54:00:00:00:01",
    "cpus": 7,
    "memory_mib": 9000,
    "disk_gib": 77,
    "data_disk_gib": 8,
    "fqdn": "other.example.com",
    "libvirt_name": "other",
}
NETWORK_FIELDS: dict[str, Any] = {
    "name": "other",
    "libvirt_name": "other",
    "mode": "nat",
    "bridge": "virbr-other",
    "cidr": "192.168.0.0/24",
    "prefix": 24,
    "gateway": "192.168.0.3",
    "broadcast": "192.168.0.255",
    "dhcp_start": "192.168.0.200",
    "dhcp_end": "192.168.0.250",
}


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    return renderer(tmp_path_factory)


@pytest.fixture(scope="module")
def made(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A cluster of a master with a data disk, an infra machine, and a machine beside them with a data disk."""
    infra = render_machines(render, "single-with-a-database", tmp_path_factory.mktemp("answers"))
    site = make_site(infra.root, tmp_path_factory.mktemp("site"))
    site.apply()
    return site


@pytest.fixture
def site(made: Site, tmp_path: Path) -> Site:
    return copy_site(made, tmp_path / "site")


def touched(planned: dict[str, list[str]]) -> set[str]:
    """Return what would happen to domains and volumes that exist."""
    kinds = (".libvirt_domain.", ".libvirt_volume.")
    return {
        address for address, does in planned.items() if any(kind in address for kind in kinds) and does != ["create"]
    }


def test_a_second_plan_changes_nothing(site: Site) -> None:
    assert site.planned() == {}
    assert site.output("pending") == {}


def test_a_machine_starts_as_the_plan_says(made: Site) -> None:
    """Nothing of it got lost on the way: a misspelled nested key would be dropped without a word."""
    domain = made.defined("domain")["mini-db1"]
    node = next(node for node in json.loads((made.root / "plan.json").read_text())["nodes"] if node["name"] == "db1")
    assert (domain["memory"], domain["memory_unit"], domain["vcpu"]) == (node["memory_mib"], "MiB", node["cpus"])
    assert domain["os"]["type_machine"] == "q35"
    assert domain["features"]["acpi"] is True
    (card,) = domain["devices"]["interfaces"]
    assert card["mac"]["address"] == node["mac"]
    assert [disk["serial"] for disk in domain["devices"]["disks"]] == ["root", "data", "seed"]
    (entry,) = made.defined("domain")["mini-master1"]["sys_info"][0]["fw_cfg"]["entry"]
    assert (entry["name"], entry["value"]) == ("opt/org.flatcar-linux/config", "")


# -- what exists waits for its generation ------------------------------------------------------------------------------


def test_every_field_of_the_plan_is_tried(made: Site) -> None:
    plan = json.loads((made.root / "plan.json").read_text())
    assert {key for node in plan["nodes"] for key in node} - {"name"} == set(NODE_FIELDS)
    assert {key for network in plan["networks"] for key in network} - {"key"} == set(NETWORK_FIELDS)


def test_nothing_of_a_machine_that_exists_changes_before_its_generation(site: Site) -> None:
    """faults A7: new data disks stopped all masters together, and a changed MAC went into running machines."""

    def differently(plan: dict[str, Any]) -> None:
        plan["hosts"].append(plan["hosts"][0] | {"name": "kvm2"})
        plan["networks"].append(
            plan["networks"][0] | NETWORK_FIELDS | {"key": "other", "mode": "bridge", "cidr": "10.9.0.0/24"}
        )
        plan["networks"][-1] |= {"gateway": "10.9.0.1", "dhcp_start": "", "dhcp_end": ""}
        plan["networks"][0] |= {
            "bridge": "br1",
            "gateway": "192.168.0.3",
            "dhcp_start": "192.168.0.200",
            "dhcp_end": "192.168.0.250",
        }
        (node,) = (node for node in plan["nodes"] if node["name"] == "infra1")
        node |= NODE_FIELDS | {"address": "10.9.0.99", "gateway": "10.9.0.1", "routes": [], "host": "kvm1"}
        for number, other in enumerate(plan["nodes"]):
            if other is not node:
                other |= {"mac": f"52:54:00:00:01:0{number}", "cpus": 9, "memory_mib": 9000, "disk_gib": 99}

    site.change_plan(differently)
    site.image("other")
    planned = site.planned()
    assert touched(planned) == set()
    assert planned[DISK.format("infra1") + ".libvirt_volume.this"] == ["create"]
    site.apply()
    assert site.output("pending") == {
        "infra1": sorted(
            ["configuration", "cpus", "data_disk", "disk_gib", "image", "libvirt_name", "mac", "memory_mib", "network"]
        ),
        "db1": ["configuration", "cpus", "disk_gib", "mac", "memory_mib"],
        "master1": ["configuration", "cpus", "disk_gib", "mac", "memory_mib"],
    }

    site.generations({"infra1": 2})
    planned = site.planned()
    assert DOMAIN.format("infra1") in touched(planned)
    its_own = (NODE.format("infra1"), 'terraform_data.place["infra1-', 'terraform_data.network["infra1-')
    assert all(address.startswith(its_own) for address in planned), planned
    site.apply()
    assert sorted(site.output("pending")) == ["db1", "master1"]
    domain = site.defined("domain")["other"]
    assert domain["devices"]["interfaces"][0]["mac"]["address"] == NODE_FIELDS["mac"]
    assert [disk["serial"] for disk in domain["devices"]["disks"]] == ["root", "data", "seed"]


def test_a_machine_with_another_system_waits_like_any_other(site: Site) -> None:
    """What a machine reads at its first boot follows from its system, and must not be taken from one that runs."""
    site.change(lambda nodes: nodes["db1"].update(os="flatcar", image="flatcar"))
    assert touched(site.planned()) == set()
    site.apply()
    assert site.output("pending") == {"db1": ["configuration", "image", "os"]}
    site.generations({"db1": 2})
    site.apply()
    assert "db1-g2.ign" in site.files()
    assert "db1-g1-seed.iso" not in site.files()


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
    assert all("libvirt_ignition" in address or "libvirt_cloudinit_disk" in address for address in site.planned())


# -- what can fail is judged first -------------------------------------------------------------------------------------


def test_an_image_that_is_not_what_is_pinned_stops_the_plan_and_nothing_is_lost(site: Site) -> None:
    """faults D1: the machine was destroyed, and then its image refused."""
    site.pin("debian", "ab" * 64)
    assert site.planned() == {}
    site.generations({"db1": 2})
    said = site.refusal()
    assert "An image is not there, or is not what versions.yaml says: debian (" in said
    assert "Run `make images`" in said
    before = site.files(), site.defined("domain")
    assert site.run("apply", "-auto-approve", "-input=false").returncode == 1
    assert (site.files(), site.defined("domain")) == before

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
    (site.host() / "size.json").write_text(json.dumps({"memory_kb": 4 << 20, "cores": 2}))
    said = " ".join(site.run("plan", "-input=false").stdout.split())
    assert "The machines on kvm1 have 10240 MiB of memory together, the host has 4096 MiB" in said
    assert "A machine on kvm1 has more processors than the host, which has 2." in said


def test_a_rebuild_that_failed_halfway_is_completed_by_the_next_run(site: Site) -> None:
    (site.host() / "full").touch()
    site.generations({"db1": 2})
    assert "no space left on device" in site.run("apply", "-auto-approve", "-input=false").stderr
    (site.host() / "full").unlink()
    site.apply()
    assert site.planned() == {}
    assert "mini-db1" in site.defined("domain")


# -- networks ----------------------------------------------------------------------------------------------------------


def test_a_network_stays_as_it_was_made_until_it_is_replaced_as_the_readme_says(site: Site) -> None:
    """The provider changes none in place: an apply ended with an inconsistent result, every time."""
    site.change_plan(lambda plan: plan["hosts"][0].update(bridge="br1"))
    assert site.planned() == {}
    site.apply()
    assert site.output("pending_networks") == {"kvm1": {"edge": ["bridge"]}}
    network = 'module.host_kvm1.module.network["edge"]'
    readme = (site.folder / "README.md").read_text().replace('network["cluster"]', 'network["edge"]')
    assert f"terraform state rm '{network}.terraform_data.made'" in readme
    assert f"terraform apply -replace='{network}.libvirt_network.this'" in readme
    assert site.run("state", "rm", f"{network}.terraform_data.made").returncode == 0
    done = site.run("apply", "-auto-approve", "-input=false", f"-replace={network}.libvirt_network.this")
    assert done.returncode == 0, done.stderr
    assert site.defined("network")["mini-br0"]["bridge"]["name"] == "br1"
    assert site.planned() == {}
    assert site.output("pending_networks") == {}
    assert site.output("pending") == {}


# -- data disks --------------------------------------------------------------------------------------------------------


def test_a_machine_that_goes_does_not_take_its_data_along(site: Site) -> None:
    """faults A6: fewer machines in the answers deleted the last one's data disk."""
    site.change(lambda nodes: nodes.pop("db1") and None)
    assert f"{DISK.format('db1')}.libvirt_volume.this has lifecycle.prevent_destroy set" in site.refusal()
    # As terraform/README.md says.
    assert site.run("state", "rm", DISK.format("db1")).returncode == 0
    planned = site.planned()
    assert planned[DOMAIN.format("db1")] == ["delete"]
    assert all("db1" in address for address in touched(planned))
    site.apply()
    assert "db1-data.qcow2" in site.files()


def test_a_data_disk_is_not_destroyed_by_an_answer(site: Site) -> None:
    """faults A6: `data_disk_gib: 0` deleted all data disks of a role."""
    site.change(lambda nodes: nodes["master1"].update(data_disk_gib=0))
    assert f"{DISK.format('master1')}.libvirt_volume.this has lifecycle.prevent_destroy set" in site.refusal()


def test_another_size_of_a_data_disk_is_told_and_settled_by_the_readmes_command(site: Site) -> None:
    """faults A8: it was passed over in silence, and failed in every comparison after that."""
    site.change(lambda nodes: nodes["master1"].update(data_disk_gib=120))
    assert "The data disk of master1 has 80 GiB, the plan says 120." in site.refusal()
    record = f"{DISK.format('master1')}.terraform_data.capacity_gib"
    assert f"terraform state rm '{record.replace('master1', 'worker1')}'" in (site.folder / "README.md").read_text()
    assert site.run("state", "rm", record).returncode == 0
    assert site.planned() == {record: ["create"]}


# -- the way down ------------------------------------------------------------------------------------------------------


def destroy(site: Site, answer: str) -> subprocess.CompletedProcess[str]:
    """Run `make destroy`."""
    require_tool(site.program)
    environment = site.environment | {"TERRAFORM": site.program}
    return subprocess.run(
        ["make", "destroy"],
        cwd=site.root,
        env=environment,
        input=answer,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_way_down_leaves_nothing_of_the_cluster_and_touches_nothing_else(site: Site) -> None:
    """faults C14: prevent_destroy of data disks left no way at all."""
    foreign = site.host() / "files/var/lib/libvirt/images/other.qcow2"
    foreign.write_text("somebody else's")
    (site.host() / "domain/other.json").write_text("{}")
    before = site.files()
    refused = destroy(site, "mini-2\n")
    assert refused.returncode != 0
    assert "That is not mini. Nothing was destroyed." in refused.stderr
    assert site.files() == before

    done = destroy(site, "mini\n")
    assert done.returncode == 0, done.stderr
    assert '  module.host_kvm1.module.data_disk["db1"], with all that is on it' in done.stdout
    assert site.files() == {"other.qcow2"}
    assert set(site.defined("domain")) == {"other"}
    assert site.defined("network") == site.defined("pool") == {}
    assert "Nothing is there" in destroy(site, "").stdout
    # Nothing remembers that there was a cluster.
    site.apply()
    assert set(site.defined("domain")) == {"other", "mini-db1", "mini-infra1", "mini-master1"}


# -- several hypervisors -----------------------------------------------------------------------------------------------

SECOND = "qemu+ssh://root@kvm2/system"


def test_a_machine_moves_with_its_generation_and_a_hypervisor_is_left(
    render: Render, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    answers = tmp_path_factory.mktemp("answers")
    site = make_site(render_machines(render, "single-on-two-hosts", answers).root, tmp_path / "site")
    site.apply()
    assert set(site.defined("domain")) == {"mini-master1"}
    assert set(site.defined("domain", SECOND)) == {"mini-infra1"}
    assert site.defined("network", SECOND)["mini-br0"]["bridge"]["name"] == "br1"

    leaving = render_machines(render, "single-with-a-retired-host", answers).root
    for name in ("plan.json", "terraform/hosts.tf"):
        (site.root / name).write_text((leaving / name).read_text())
    assert site.planned() == {}
    site.apply()
    assert site.output("pending") == {"infra1": ["host"]}
    site.generations({"infra1": 2})
    site.apply()
    assert set(site.defined("domain")) == {"mini-infra1", "mini-master1"}
    assert site.files(SECOND) == set()
    assert site.defined("network", SECOND) == site.defined("pool", SECOND) == {}
    assert site.planned() == {}


# -- a quorum ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def highly_available(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Site:
    infra = render_machines(render, "ha", tmp_path_factory.mktemp("answers"))
    site = make_site(infra.root, tmp_path_factory.mktemp("site"))
    site.apply()
    return site


def test_servers_of_a_quorum_are_rebuilt_one_at_a_time(highly_available: Site, tmp_path: Path) -> None:
    """faults D4: three raised generations took all of etcd away in one apply."""
    site = copy_site(highly_available, tmp_path / "site")
    assert site.planned() == {}
    site.generations({"master1": 2, "master2": 2, "worker1": 2, "worker2": 2})
    assert "K3s servers would be rebuilt together: master1, master2." in site.refusal()
    # One that failed halfway counts until it is there again.
    site.generations({"master1": 2})
    (site.host() / "full").touch()
    assert site.run("apply", "-auto-approve", "-input=false").returncode == 1
    (site.host() / "full").unlink()
    site.generations({"master1": 2, "master2": 2})
    assert "K3s servers would be rebuilt together: master1, master2." in site.refusal()
    site.generations({"master1": 2})
    site.apply()
    site.generations({"master1": 2, "master2": 2})
    planned = site.planned()
    assert {address for address in planned if ".libvirt_domain." in address} == {DOMAIN.format("master2")}


def test_networks_stay_for_as_long_as_machines_that_exist_are_in_them(highly_available: Site, tmp_path: Path) -> None:
    """Answers that move all machines elsewhere took the networks from those that wait for their generation."""

    def into_the_lan(plan: dict[str, Any]) -> None:
        plan["networks"].append(
            plan["networks"][0] | {"key": "lan", "libvirt_name": "lan", "mode": "bridge", "bridge": "br1"}
        )
        plan["networks"][-1] |= {"cidr": "10.9.0.0/24", "gateway": "10.9.0.1", "dhcp_start": "", "dhcp_end": ""}
        for number, node in enumerate(plan["nodes"]):
            node |= {"network": "lan", "address": f"10.9.0.{11 + number}", "gateway": "10.9.0.1", "routes": []}

    def renamed(plan: dict[str, Any]) -> None:
        for thing, key in [
            *((network, "key") for network in plan["networks"]),
            *((n, "network") for n in plan["nodes"]),
        ]:
            thing[key] = {"infra": "inner"}.get(thing[key], thing[key])

    site = copy_site(highly_available, tmp_path / "moved")
    site.change_plan(into_the_lan)
    assert not [address for address, does in site.planned().items() if ".libvirt_" in address and does != ["create"]]
    site = copy_site(highly_available, tmp_path / "renamed")
    site.change_plan(renamed)
    said = site.refusal()
    assert "Machines are in a network that the plan no longer has: infra1 (infra), infra2 (infra)." in said


def test_a_further_worker_touches_nothing_else(
    highly_available: Site, render: Render, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    site = copy_site(highly_available, tmp_path / "site")
    more = render_machines(render, "ha-with-a-worker-more", tmp_path_factory.mktemp("answers")).root
    (site.root / "plan.json").write_text((more / "plan.json").read_text())
    planned = site.planned()
    assert touched(planned) == set()
    assert planned[DOMAIN.format("worker4")] == ["create"]


def test_eleven_machines_of_chosen_names_addresses_and_systems(
    render: Render, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """faults E20: a machine without a role, and a name server called otherwise, could not be said."""
    infra = render_machines(render, "eleven-machines", tmp_path_factory.mktemp("answers"))
    site = make_site(infra.root, tmp_path / "site")
    site.apply()
    assert set(site.defined("domain")) == {node.libvirt_name for node in infra.plan.nodes}
    assert len(site.defined("domain")) == 11
    assert site.planned() == {}
