"""One machine that boots: the storage machine of examples/ha.yaml, by what Terraform gave it to read."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.hosts.guest import Guest
from tests.lab.hosts.guest_image import SUITE, make_guest_image
from tests.lab.hosts.network import ip
from tests.lab.hosts.outside import ADDRESS, NAME, Outside
from tests.lab.terraform.site import GIB, REAL, Site, make_site
from tests.template.infra_machines import render_machines
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.hosts.hypervisor import Hypervisor
    from tests.template.conftest import Render

pytestmark = pytest.mark.tools
MACHINE = "storage1"
MARK = "-----"
DISK_MIB = 1024
"""For the image, what the machine writes over it, and its data disk, which stays empty."""
# Each connection takes an emulated processor some seconds: all is asked in one.
QUESTIONS = {
    "id": "id -un; sudo -n id -un",
    "status": "cloud-init status --format json",
    "schema": "sudo cloud-init schema --system",
    "hostname": "hostname",
    "fqdn": "hostname -f",
    "addresses": "ip -j address",
    "routes": "ip -j route",
    "servers": "resolvectl dns",
    "domains": "resolvectl domain",
    "resolv.conf": "cat /etc/resolv.conf",
    "resolved": f"getent ahosts {NAME}",
    "time": "timedatectl show-timesync; timedatectl show",
    "disks": "lsblk -J -b -o NAME,SIZE,SERIAL,FSTYPE,FSSIZE,MOUNTPOINTS",
    "data": "readlink -f /dev/disk/by-id/virtio-data",
    "system": "systemctl is-system-running --wait",
}


@dataclass(frozen=True)
class Booted:
    """The machine, the plan it was made from, the servers that the plan names, and what the machine says of itself."""

    guest: Guest
    node: dict[str, Any]
    network: dict[str, Any]
    timezone: str
    outside: Outside
    facts: dict[str, str]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key of the person whose public key the answers have."""
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def site(
    render: Render,
    key: Path,
    switch_on: Callable[[str, int], Hypervisor],
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The cluster, of which this machine and a master, which every cluster has, are in the plan yet."""
    answers = {"ssh_public_key": key.with_suffix(".pub").read_text().strip()}
    infra = render_machines(render, "ha", tmp_path_factory.mktemp("answers"), others=answers)
    assert f"/{SUITE}/" in (infra.root / "versions.yaml").read_text()
    site = make_site(infra.root, folder / "guest-site", {"kvm1": switch_on("guest", DISK_MIB)})
    site.change(lambda nodes: [nodes.pop(name) for name in set(nodes) - {MACHINE, "master1"}])
    site.image_of("debian", make_guest_image(tools_folder().parent))
    yield site
    site.host.clear()


@pytest.fixture(scope="module")
def outside(site: Site, folder: Path) -> Iterator[Outside]:
    """Servers at the addresses of the infra machines: what asks them comes through its gateway."""
    addresses = machine_of(plan_of(site))["dns_servers"]
    for address in addresses:
        ip("address", "add", f"{address}/32", "dev", "lo")
    servers = Outside(folder / "guest-outside", addresses, (), namespace="")
    servers.start(tools_folder() / "coredns")
    yield servers
    servers.stop()
    for address in addresses:
        ip("address", "delete", f"{address}/32", "dev", "lo")


@pytest.fixture(scope="module")
def booted(site: Site, outside: Outside, key: Path, folder: Path, evidence: Callable[[str], None]) -> Iterator[Booted]:
    plan = plan_of(site)
    node = machine_of(plan)
    (network,) = (network for network in plan["networks"] if network["key"] == node["network"])
    files = folder / "guest-console"
    files.mkdir()
    guest = Guest(site.host, node["libvirt_name"], node["address"], key, files)
    begin = time.monotonic()
    site.apply()
    made = time.monotonic()
    guest.watch()
    guest.wait_up()
    came = time.monotonic()
    guest.ssh("cloud-init status --wait")
    evidence(
        f"{MACHINE} made by {REAL or 'the stand-in'} in {made - begin:.0f} s, "
        f"let somebody in {came - made:.0f} s later, and cloud-init ended {time.monotonic() - came:.0f} s after that"
    )
    yield Booted(guest, node, network, plan["cluster"]["timezone"], outside, ask(guest))
    guest.leave()


def ask(guest: Guest) -> dict[str, str]:
    """Return the answers to QUESTIONS; what goes wrong is a part of them."""
    script = "".join(f"echo; echo '{MARK} {name}'; {{ {command}; }} 2>&1\n" for name, command in QUESTIONS.items())
    parts = guest.ssh(script).stdout.split(f"\n{MARK} ")[1:]
    return {name: answer.strip() for name, _, answer in (part.partition("\n") for part in parts)}


def plan_of(site: Site) -> dict[str, Any]:
    """Return the plan."""
    plan: dict[str, Any] = json.loads((site.root / "plan.json").read_text())
    return plan


def machine_of(plan: dict[str, Any]) -> dict[str, Any]:
    """Return what the plan says of the machine."""
    (node,) = (node for node in plan["nodes"] if node["name"] == MACHINE)
    return dict(node)


def test_the_person_comes_in_with_their_key_and_becomes_root(booted: Booted) -> None:
    assert booted.facts["id"] == "core\nroot"


def test_nobody_comes_in_as_root_or_with_a_password(booted: Booted) -> None:
    without_key = ("PubkeyAuthentication=no", "PreferredAuthentications=password,keyboard-interactive")
    for user, options in (("root", ()), ("core", without_key)):
        refused = booted.guest.ssh("true", user=user, options=options)
        assert refused.returncode == 255
        # What it names in brackets is all that it offers.
        assert f"{user}@{booted.node['address']}: Permission denied (publickey)." in refused.stderr


def test_cloud_init_did_all_and_complains_about_nothing(booted: Booted) -> None:
    status = json.loads(booted.facts["status"])
    # Recoverable errors are warnings, and keys that will be taken no longer.
    assert (status["status"], status["extended_status"]) == ("done", "done")
    assert (status["errors"], status["recoverable_errors"]) == ([], {})
    assert status["detail"] == "DataSourceNoCloud [seed=/dev/vdc]"
    assert "Valid schema user-data" in booted.facts["schema"]
    assert "Valid schema network-config" in booted.facts["schema"]


def test_its_names_are_those_of_the_plan(booted: Booted) -> None:
    assert booted.facts["hostname"] == booted.node["name"]
    assert booted.facts["fqdn"] == booted.node["fqdn"]


def test_its_card_has_the_address_of_the_plan_and_no_other_one(booted: Booted) -> None:
    cards = {row["ifname"]: row for row in json.loads(booted.facts["addresses"])}
    assert set(cards) == {"lo", "eth0"}
    assert cards["eth0"]["address"] == booted.node["mac"]
    found = [(row["local"], row["prefixlen"]) for row in cards["eth0"]["addr_info"] if row["scope"] == "global"]
    assert found == [(booted.node["address"], booted.network["prefix"])]
    (default,) = (row for row in json.loads(booted.facts["routes"]) if row["dst"] == "default")
    assert (default["gateway"], default["dev"]) == (booted.network["gateway"], "eth0")
    # The network gives addresses to whoever asks.
    assert booted.guest.hypervisor.virsh("net-dhcp-leases", booted.network["libvirt_name"]).strip() == ""


def test_it_asks_the_plans_name_servers_and_has_no_search_domain(booted: Booted) -> None:
    """faults C1: with ndots:5, a search domain is tried before any name of the outside world."""
    servers = " ".join(booted.node["dns_servers"])
    assert booted.facts["servers"].splitlines() == ["Global:", f"Link 2 (eth0): {servers}"]
    assert booted.facts["domains"].splitlines() == ["Global:", "Link 2 (eth0):"]
    rows = [line.split() for line in booted.facts["resolv.conf"].splitlines() if not line.startswith("#")]
    # How systemd-resolved writes that there is none.
    assert [row[1:] for row in rows if row and row[0] in ("search", "domain")] in ([], [["."]])
    assert booted.facts["resolved"].split()[0] == ADDRESS
    asked = {line.split('"')[1].split()[2] for line in booted.outside.log("names").splitlines() if " IN " in line}
    assert f"{NAME}." in asked
    assert not [name for name in asked if booted.node["fqdn"].partition(".")[2] in name]


def test_its_clock_follows_the_plans_time_servers(booted: Booted) -> None:
    asked = dict(line.partition("=")[::2] for line in booted.facts["time"].splitlines())
    assert asked["SystemNTPServers"].split() == booted.node["ntp_servers"]
    assert asked["Timezone"] == booted.timezone


def test_its_root_has_the_size_of_the_plan_and_the_data_disk_is_empty(booted: Booted) -> None:
    disks = {disk["serial"]: disk for disk in json.loads(booted.facts["disks"])["blockdevices"]}
    assert set(disks) == {"root", "data", "seed"}
    assert disks["root"]["size"] == booted.node["disk_gib"] * GIB
    (system,) = (part for part in disks["root"]["children"] if "/" in part["mountpoints"])
    # All of it but for the tables and GRUB, and the file system has grown with it.
    assert system["size"] > disks["root"]["size"] - (8 << 20)
    assert system["fssize"] > 0.95 * system["size"]
    assert (disks["data"]["size"], disks["data"]["fstype"]) == (booted.node["data_disk_gib"] * GIB, None)
    # By which Ansible finds it.
    assert booted.facts["data"].endswith(disks["data"]["name"])


def test_nothing_failed(booted: Booted) -> None:
    assert booted.facts["system"] == "running"
