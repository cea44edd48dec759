"""hypervisor.yml: a card that becomes a part of a bridge while one is connected through it, libvirt, forwarding."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.bed.waiting import wait_for
from tests.lab.hosts import network
from tests.lab.hosts.host import Host
from tests.lab.hosts.image import make_image
from tests.lab.operator import Operator
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Play

INVENTORY = ("--inventory", "inventory/hypervisors.yml")
NETWORKD, MANAGER = "kvm1", "kvm2"
"""Two hypervisors: the card of the one is systemd-networkd's, that of the other one NetworkManager's."""
ADDRESSES = {NETWORKD: "10.17.5.200", MANAGER: "10.17.5.201"}
BRIDGES = {NETWORKD: "br0", MANAGER: "br7"}
BEYOND = "10.9.0.0/16"
"""A network that the cards have a route to."""
FILE = "/etc/systemd/network/50-lan.network"
# What comes in by the bridge is dropped: everything is as it was, but for whoever would come in that way.
CUT = "table inet cut { chain in { type filter hook input priority -300; iifname %s drop; }; }"
SOON = {"lan_bridge_rollback_seconds": 30, "lan_bridge_connect_seconds": 10}


@pytest.fixture(scope="module")
def owner(folder: Path) -> Operator:
    """Who has two hypervisors in the network `edge` of the lab, which is their LAN."""
    owner = Operator(folder / "owner")
    hosts = {
        name: {"uri": f"qemu+ssh://core@{address}/system", "address": address, "bridge": BRIDGES[name]}
        for name, address in ADDRESSES.items()
    }
    owner.make_repositories(edge="10.17.5.0/24", hosts=hosts, nodes=[{"name": "lb2", "host": MANAGER}])
    return owner


@pytest.fixture(scope="module")
def hypervisors(lab: Lab, owner: Operator, folder: Path) -> Iterator[Mapping[str, Host]]:
    """Both, up; nothing has their cards yet but the kernel."""
    (edge,) = [row for row in lab.plan["networks"] if row["key"] == "edge"]
    hosts = {
        name: Host(
            node={
                **{"name": name, "fqdn": f"{name}.home.example.com", "os": "linux", "dns_servers": []},
                **{"address": address, "prefix": edge["prefix"], "gateway": edge["gateway"]},
                "mac": f"52:54:00:00:05:{address.rpartition('.')[2][-2:]}",
            },
            bridge=edge["bridge"],
            folder=folder / "hosts" / name,
            image=make_image(tools_folder().parent),
            public_key=owner.public_key,
            shared=lab.shared,
        )
        for name, address in ADDRESSES.items()
    }
    try:
        for host in hosts.values():
            host.start()
        for host in hosts.values():
            host.wait_up()
        owner.set_variables("all", {"ansible_ssh_private_key_file": str(owner.key)})
        known = "".join(f"{host.address} {host.host_key}\n" for host in hosts.values())
        (owner.home / "known_hosts").write_text(known)
        owner.environment["ANSIBLE_SSH_COMMON_ARGS"] = (
            f"-F none -o UserKnownHostsFile={owner.home / 'known_hosts'} -o IdentitiesOnly=yes"
        )
        yield hosts
    finally:
        for host in hosts.values():
            host.cut_power()
            subprocess.run(["umount", "--lazy", str(host.root)], check=False, capture_output=True)


def prepare(owner: Operator, host: Host, *options: str) -> Play:
    return owner.play("hypervisor", *INVENTORY, "--limit", f"localhost,{host.name}", *options)


def said(play: Play) -> str:
    return " ".join(play.out.split())


def links(host: Host) -> dict[str, dict[str, Any]]:
    """Return the links of a host by name, each with its addresses of IPv4."""
    rows = json.loads(host.do("ip", "-json", "-4", "address", "show"))
    return {
        row["ifname"]: {
            "master": row.get("master", ""),
            "addresses": [one["local"] for one in row.get("addr_info", [])],
        }
        for row in rows
    } | {
        row["ifname"]: {"master": row.get("master", ""), "addresses": []}
        for row in json.loads(host.do("ip", "-json", "link", "show"))
        if row["ifname"] not in {one["ifname"] for one in rows}
    }


def is_bridged(host: Host) -> bool:
    """Tell whether the card is a part of the bridge, which has its address and its way out."""
    bridge, there = BRIDGES[host.name], links(host)
    way_out = json.loads(host.do("ip", "-json", "-4", "route", "show", "default"))
    return (
        there["eth0"] == {"master": bridge, "addresses": []}
        and there.get(bridge, {}).get("addresses") == [host.address]
        and [(route["dev"], route["gateway"]) for route in way_out] == [(bridge, host.node["gateway"])]
        and f"via 10.17.5.9 dev {bridge}" in host.do("ip", "route", "show", BEYOND)
    )


def is_plain(host: Host) -> bool:
    """Tell whether the card has the address itself, and there is no bridge."""
    there = links(host)
    return there["eth0"] == {"master": "", "addresses": [host.address]} and BRIDGES[host.name] not in there


def restart(host: Host) -> None:
    """Switch a host off and on; its card comes up without an address, which the lab gives to all others."""
    host.halt()
    host.start()
    network.ip("address", "flush", "dev", "eth0", namespace=host.name)
    host.wait_up()


@pytest.fixture(scope="module")
def with_networkd(hypervisors: Mapping[str, Host]) -> Host:
    """A hypervisor whose card systemd-networkd sets up."""
    host = hypervisors[NETWORKD]
    host.do("systemctl", "unmask", "systemd-networkd")
    own = f"[Network]\nAddress={host.address}/24\nGateway={host.node['gateway']}\nIPv6AcceptRA=no\n"
    text = f"[Match]\nName=eth0\n\n{own}\n[Route]\nDestination={BEYOND}\nGateway=10.17.5.9\n"
    host.do("tee", FILE, stdin=text)
    # As on a machine that starts: the lab has given the card its address.
    network.ip("address", "flush", "dev", "eth0", namespace=host.name)
    host.do("systemctl", "enable", "--now", "systemd-networkd")
    wait_for("systemd-networkd's route", lambda: "10.17.5.9" in host.do("ip", "route", "show", BEYOND), timeout=30)
    return host


@pytest.fixture(scope="module")
def with_networkmanager(hypervisors: Mapping[str, Host]) -> Host:
    """A hypervisor whose card NetworkManager sets up."""
    host = hypervisors[MANAGER]
    host.do("sh", "-c", "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install network-manager")
    host.do(
        "tee", "/etc/NetworkManager/conf.d/lab.conf", stdin="[device]\nmatch-device=interface-name:eth0\nmanaged=1\n"
    )
    host.do("systemctl", "enable", "NetworkManager")
    host.do("systemctl", "restart", "NetworkManager")
    own = (
        f"ipv4.method manual ipv4.addresses {host.address}/24 ipv4.gateway {host.node['gateway']} ipv6.method disabled"
    )
    own += " ipv4.dns 10.17.3.11 ipv4.dns-search lan"
    host.do(
        "nmcli",
        *f"connection add type ethernet con-name lan ifname eth0 {own}".split(),
        "ipv4.routes",
        f"{BEYOND} 10.17.5.9",
    )
    host.do("nmcli", "--wait", "30", "connection", "up", "lan")
    assert is_plain(host)
    return host


# -- the bridge, by systemd-networkd -----------------------------------------------------------------------------------


def test_a_card_that_nobody_known_has_is_refused_before_anything_changes(
    hypervisors: Mapping[str, Host], owner: Operator
) -> None:
    host = hypervisors[NETWORKD]
    play = prepare(owner, host)
    assert play.code
    assert not play.changed, play.out
    assert "neither NetworkManager nor systemd-networkd nor /etc/network/interfaces has eth0" in said(play)
    assert is_plain(host)


def test_whoever_is_cut_off_by_the_bridge_gets_the_old_state_back(
    with_networkd: Host, owner: Operator, evidence: Callable[[str], None]
) -> None:
    cut_off(with_networkd, owner, evidence)
    assert with_networkd.do("ls", "/etc/systemd/network", "/run/systemd/network").split() == [
        "/etc/systemd/network:",
        "50-lan.network",
        "/run/systemd/network:",
    ]


def test_the_card_becomes_a_part_of_the_bridge(
    with_networkd: Host, owner: Operator, evidence: Callable[[str], None]
) -> None:
    before = with_networkd.do("cat", FILE)
    play = prepare(owner, with_networkd)
    assert not play.code, play.all[-6000:]
    evidence(f"hypervisor.yml took {play.seconds:.0f} s with systemd-networkd, with {play.changed} changes")
    assert is_bridged(with_networkd)
    assert with_networkd.do("cat", FILE) == before
    assert with_networkd.inside("systemctl", "is-active", "lan-bridge-rollback.timer").stdout.strip() == "inactive"


def test_a_second_run_and_a_look_change_nothing(with_networkd: Host, owner: Operator) -> None:
    for options in ((), ("--check",)):
        play = prepare(owner, with_networkd, *options)
        assert not play.code, play.all[-6000:]
        assert not play.changed, play.out


# -- libvirt, and forwarding -------------------------------------------------------------------------------------------


def virsh(host: Host, *words: str) -> str:
    return host.do("virsh", "--connect", "qemu:///system", *words)


def test_libvirt_answers_whoever_comes_by_ssh(with_networkd: Host) -> None:
    as_person = ("runuser", "--user", "core", "--", "virsh", "--connect", "qemu:///system", "list", "--all", "--name")
    assert with_networkd.do(*as_person).split() == []
    assert "libvirt" in with_networkd.do("id", "--name", "--groups", "core").split()
    assert with_networkd.do("systemctl", "is-enabled", "libvirtd.service", "libvirtd.socket").split() == ["enabled"] * 2


def test_pools_and_networks_of_others_stay_and_the_clusters_own_is_started(
    with_networkd: Host, owner: Operator
) -> None:
    for name in ("home", "theirs"):
        virsh(with_networkd, "pool-define-as", name, "dir", "--target", f"/var/lib/libvirt/images/{name}")
        virsh(with_networkd, "pool-build", name)
    networks = virsh(with_networkd, "net-list", "--all")
    theirs = virsh(with_networkd, "pool-dumpxml", "theirs")
    play = prepare(owner, with_networkd)
    assert not play.code, play.all[-6000:]
    assert play.changed == 2
    assert virsh(with_networkd, "pool-list", "--name", "--autostart").split() == ["home"]
    assert virsh(with_networkd, "pool-list", "--name", "--inactive").split() == ["theirs"]
    assert virsh(with_networkd, "pool-dumpxml", "theirs") == theirs
    assert virsh(with_networkd, "net-list", "--all") == networks
    assert not prepare(owner, with_networkd).changed


def test_the_rules_of_the_plan_are_loaded_beside_those_of_others(with_networkd: Host, owner: Operator) -> None:
    host, table = with_networkd, ("nft", "list", "table", "inet", "cluster_home")
    loaded = host.do(*table)
    assert "masquerade" in loaded
    assert host.do("sysctl", "--values", "net.ipv4.ip_forward").strip() == "1"
    # A distribution's own service begins with `flush ruleset`.
    for verb in ("start", "reload", "restart", "stop"):
        host.do("systemctl", verb, "nftables")
        assert host.do(*table) == loaded, verb
    prepare(owner, host)
    host.do("nft", "add table ip others; add chain ip others mine; add rule ip others mine counter accept")
    try:
        host.do("nft", "delete", "table", "inet", "cluster_home")
        assert prepare(owner, host).changed
        assert host.do(*table) == loaded
        assert "counter" in host.do("nft", "list", "table", "ip", "others")
        # Off means none.
        off = prepare(owner, host, "-e", json.dumps({"cluster_forwarding_wanted": False}))
        assert not off.code, off.all[-6000:]
        assert "cluster_home" not in host.do("nft", "list", "tables")
        assert "counter" in host.do("nft", "list", "table", "ip", "others")
        assert host.inside("ls", "/etc/nftables.d/home.nft").returncode
    finally:
        host.do("nft", "delete", "table", "ip", "others")
    assert prepare(owner, host).changed
    assert host.do(*table) == loaded


def test_a_second_firewall_that_drops_what_is_forwarded_is_refused(with_networkd: Host, owner: Operator) -> None:
    host = with_networkd
    chain = "mine { type filter hook forward priority 10; policy drop; }"
    host.do("nft", f"add table inet theirs; add chain inet theirs {chain}")
    try:
        play = prepare(owner, host)
        assert not prepare(owner, host, "-e", json.dumps({"cluster_forwarding_beside_others": True})).code
    finally:
        host.do("nft", "delete", "table", "inet", "theirs")
    assert play.code
    assert not play.changed, play.out
    assert "drops forwarded packets that it does not know, in the table theirs" in said(play)


def test_everything_is_back_after_a_restart(with_networkd: Host, owner: Operator) -> None:
    host = with_networkd
    loaded = host.do("nft", "list", "table", "inet", "cluster_home")
    pools = virsh(host, "pool-list", "--name", "--autostart")
    restart(host)
    wait_for("the bridge after a restart", lambda: is_bridged(host), timeout=30)
    assert host.do("nft", "list", "table", "inet", "cluster_home") == loaded
    assert virsh(host, "pool-list", "--name", "--autostart") == pools
    again = prepare(owner, host)
    assert not again.code, again.all[-6000:]
    assert not again.changed, again.out


# -- the bridge, by NetworkManager -------------------------------------------------------------------------------------


def test_networkmanager_takes_its_connection_up_again_where_the_bridge_cuts_off(
    with_networkmanager: Host, owner: Operator, evidence: Callable[[str], None]
) -> None:
    cut_off(with_networkmanager, owner, evidence)
    assert connections(with_networkmanager) == {"lan"}


def test_networkmanager_takes_the_card_into_the_bridge_and_keeps_its_connection(
    with_networkmanager: Host, owner: Operator, evidence: Callable[[str], None]
) -> None:
    host = with_networkmanager
    before = host.do("cat", "/etc/NetworkManager/system-connections/lan.nmconnection")
    play = prepare(owner, host)
    assert not play.code, play.all[-6000:]
    evidence(f"hypervisor.yml took {play.seconds:.0f} s with NetworkManager, with {play.changed} changes")
    assert is_bridged(host)
    assert connections(host) == {"lan", "br7-bridge", "br7-port-eth0"}
    assert host.do("cat", "/etc/NetworkManager/system-connections/lan.nmconnection") == before
    # Whoever has no machine behind it forwards nothing.
    assert "cluster_home" not in host.do("nft", "list", "tables")
    for options in ((), ("--check",)):
        again = prepare(owner, host, *options)
        assert not again.code, again.all[-6000:]
        assert not again.changed, again.out


def test_networkmanager_has_the_bridge_after_a_restart(with_networkmanager: Host, owner: Operator) -> None:
    with_networkmanager.do("systemctl", "restart", "NetworkManager")
    wait_for("the bridge after a restart", lambda: is_bridged(with_networkmanager), timeout=30)
    restart(with_networkmanager)
    wait_for("the bridge after a restart", lambda: is_bridged(with_networkmanager), timeout=30)
    assert not prepare(owner, with_networkmanager).changed


def connections(host: Host) -> set[str]:
    """Return the connections of NetworkManager that are on disk."""
    files = host.do("ls", "/etc/NetworkManager/system-connections").split()
    return {name.removesuffix(".nmconnection") for name in files}


def cut_off(host: Host, owner: Operator, evidence: Callable[[str], None]) -> None:
    """Have the bridge let nobody in, and see what happens."""
    bridge = BRIDGES[host.name]
    host.do("nft", CUT % bridge)
    begin = time.monotonic()
    try:
        play = prepare(owner, host, "-e", json.dumps(SOON))
    finally:
        host.do("nft", "delete", "table", "inet", "cut")
    evidence(f"{host.name} was cut off by {bridge}, and back and said so after {time.monotonic() - begin:.0f} s")
    assert play.code
    assert f"Through the bridge {bridge} no new connection came about" in said(play)
    assert "the old state is back" in said(play)
    assert is_plain(host)
    # Neither libvirt nor anything else comes after that.
    assert "Install libvirt" not in play.out
