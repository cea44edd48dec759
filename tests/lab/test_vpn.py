"""vpn.yml: a peer in the world outside comes in by WireGuard, to the networks of the plan and no further."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.bed.waiting import wait_for
from tests.lab.hosts.image import make_image
from tests.lab.hosts.network import OUTSIDE, ip
from tests.lab.operator import Operator
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab

# What a router of one's own has on the Internet, and another address of the world outside.
ENDPOINT, ELSEWHERE = "192.0.2.99", "198.51.100.1"
TUNNEL = "10.99.0.1"
SSH, PORT = 22, 8098
PEER, WITHOUT = "laptop", "phone"


@pytest.fixture(scope="module")
def person(folder: Path, operator: Operator, lab: Lab) -> Operator:
    """An operator with the same key, whose cluster has a way in."""
    person = Operator(folder / "with-vpn")
    person.key = operator.key
    peers = {PEER: {"address": "10.99.0.2"}, WITHOUT: {"address": "10.99.0.3"}}
    person.make_repositories(vpn={"endpoint": ENDPOINT, "peers": peers})
    person.meet(lab)
    return person


@pytest.fixture(scope="module")
def server(lab: Lab) -> Host:
    """The first load balancer, to which the router passes the port on."""
    host = lab.group("loadbalancers")[0]
    ip("route", "add", ENDPOINT, "via", host.address)
    ip("address", "add", f"{ENDPOINT}/32", "dev", "lo", namespace=host.name)
    ip("address", "add", f"{ELSEWHERE}/32", "dev", "lo")
    # This kernel has no WireGuard: wg-quick then takes the program.
    host.do("mkdir", "-p", "/dev/net")
    host.inside("mknod", "/dev/net/tun", "c", "10", "200")
    host.do("apt-get", "-qq", "update")
    host.do("apt-get", "-qq", "-y", "install", "wireguard-go")
    # It does not always end with its link, and systemd would wait for it. The kernel's module is no process.
    unit = "[Service]\nExecStopPost=-/usr/bin/pkill -KILL -x wireguard-go\n"
    host.do("install", "-D", "/dev/stdin", "/etc/systemd/system/wg-quick@.service.d/lab.conf", stdin=unit)
    host.do("systemctl", "daemon-reload")
    return host


def reaches(namespace: str, address: str, port: int) -> bool:
    """Tell whether a connection comes about from there."""
    ask = f"import socket; socket.create_connection(({address!r}, {port}), 2)"
    inside = ["ip", "netns", "exec", namespace, sys.executable, "-c", ask]
    return not subprocess.run(inside, capture_output=True, check=False).returncode


class Peer:
    """A computer in the world outside, with the tools of WireGuard."""

    def __init__(self, folder: Path) -> None:
        """Unpack them out of the packages of the lab."""
        self.folder = folder
        for package in ("wireguard-tools", "wireguard-go"):
            (file,) = make_image(tools_folder().parent).archive.glob(f"{package}_*.deb")
            subprocess.run(["dpkg-deb", "--extract", str(file), str(folder)], check=True)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(self.folder / "usr/bin"), os.environ["PATH"]])
        inside = ["ip", "netns", "exec", OUTSIDE, *command]
        return subprocess.run(inside, capture_output=True, text=True, check=False, env={"PATH": path}, timeout=60)

    def connect(self, text: str) -> None:
        """Come in with what `fmc keys vpn` printed, without its DNS: names are not what is looked at."""
        file = self.folder / "home.conf"
        kept = [line for line in text.splitlines() if not line.startswith("DNS")]
        file.write_text("\n".join(kept).replace("AllowedIPs = ", f"AllowedIPs = {ELSEWHERE}/32, ") + "\n")
        file.chmod(0o600)
        done = self.run("wg-quick", "up", str(file))
        assert done.returncode == 0, done.stderr

    def leave(self) -> None:
        self.run("wg-quick", "down", str(self.folder / "home.conf"))

    def reaches(self, address: str, port: int = SSH) -> bool:
        return reaches(OUTSIDE, address, port)


@pytest.fixture(scope="module")
def peer(folder: Path) -> Peer:
    (folder / "peer").mkdir()
    return Peer(folder / "peer")


@pytest.fixture
def connected(peer: Peer, person: Operator, converged_vpn: Host) -> Iterator[Peer]:
    peer.connect(person.do("fmc", "keys", "vpn", PEER))
    yield peer
    peer.leave()


@pytest.fixture(scope="module")
def converged_vpn(person: Operator, server: Host) -> Host:
    refused = person.play("vpn")
    assert refused.code
    assert not refused.changed, refused.out
    assert "Run playbooks/firewall.yml, then this playbook again." in " ".join(refused.out.split())
    person.converge("firewall", "--limit", server.name)
    private = person.do("fmc", "secret", "show", "machines/vpn", "server").strip()
    assert private not in person.converge("vpn", "-vv").all
    return server


def test_the_key_is_roots_and_a_second_run_changes_nothing(converged_vpn: Host, person: Operator) -> None:
    file = "/etc/wireguard/vpn0.conf"
    assert converged_vpn.do("stat", "--format=%a %U", file).strip() == "600 root"
    assert converged_vpn.do("systemctl", "is-enabled", "wg-quick@vpn0").strip() == "enabled"
    for options in ((), ("--check",)):
        play = person.converge("vpn", *options)
        assert not play.changed, play.out


def test_a_peer_reaches_every_network_of_the_plan_as_from_the_server(
    connected: Peer, converged_vpn: Host, lab: Lab
) -> None:
    wait_for("the tunnel", lambda: connected.reaches(TUNNEL), timeout=20)
    for group in ("loadbalancers", "infra", "k3s_agents"):
        assert connected.reaches(lab.group(group)[1].address), group
    other = lab.group("infra")[0]
    hold = "import socket, sys, time; s = socket.create_connection((sys.argv[1], sys.argv[2]), 5); print(flush=True)"
    hold += "; time.sleep(9)"
    command = ["ip", "netns", "exec", OUTSIDE, sys.executable, "-c", hold, other.address, str(SSH)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == b"\n"
        seen = other.do("ss", "-Htn", "state", "established", f"sport = :{SSH}")
        held.kill()
    assert converged_vpn.address in seen
    assert "10.99.0.2" not in seen


def test_a_peer_gets_no_further(connected: Peer, converged_vpn: Host) -> None:
    wait_for("the tunnel", lambda: connected.reaches(TUNNEL), timeout=20)
    with socket.create_server((ELSEWHERE, PORT)):
        # The server itself gets there; that is no network of the plan.
        assert reaches(converged_vpn.name, ELSEWHERE, PORT)
        assert not connected.reaches(ELSEWHERE, PORT)
    assert "policy drop" in converged_vpn.do("nft", "list", "chain", "inet", "host_firewall", "forward")


def test_the_server_is_no_router_for_others(converged_vpn: Host, lab: Lab) -> None:
    """Another machine of its network sends what is for elsewhere to it, in place of the gateway."""
    assert converged_vpn.do("cat", "/proc/sys/net/ipv4/ip_forward").strip() == "1"
    neighbour, target = lab.group("loadbalancers")[1], lab.group("infra")[0]
    assert reaches(neighbour.name, target.address, SSH)
    ip("route", "add", target.address, "via", converged_vpn.address, namespace=neighbour.name)
    try:
        assert not reaches(neighbour.name, target.address, SSH)
    finally:
        ip("route", "delete", target.address, namespace=neighbour.name)


def test_another_key_is_not_let_in(peer: Peer, person: Operator, converged_vpn: Host) -> None:
    text = person.do("fmc", "keys", "vpn", PEER)
    own = next(line for line in text.splitlines() if line.startswith("PrivateKey"))
    strange = subprocess.run([str(peer.folder / "usr/bin/wg"), "genkey"], capture_output=True, text=True, check=True)
    peer.connect(text.replace(own, f"PrivateKey = {strange.stdout.strip()}"))
    try:
        assert not any(peer.reaches(TUNNEL) for _ in range(3))
    finally:
        peer.leave()


def test_a_peer_that_left_the_answers_is_refused(peer: Peer, person: Operator, converged_vpn: Host) -> None:
    text = person.do("fmc", "keys", "vpn", PEER)
    rest = [{"name": WITHOUT, "address": "10.99.0.3"}]
    assert person.converge("vpn", "-e", json.dumps({"wireguard_peers": rest})).changed
    peer.connect(text)
    try:
        assert not any(peer.reaches(TUNNEL) for _ in range(3))
        assert person.converge("vpn").changed
        wait_for("the tunnel", lambda: peer.reaches(TUNNEL), timeout=40)
    finally:
        peer.leave()


def test_without_the_answer_nobody_comes_in_and_the_key_is_gone(converged_vpn: Host, operator: Operator) -> None:
    """The operator's cluster is the same one, with answers that have no peers."""
    assert operator.converge("base").recap[converged_vpn.name].changed
    operator.converge("firewall")
    assert converged_vpn.inside("systemctl", "is-active", "wg-quick@vpn0").stdout.strip() == "inactive"
    assert converged_vpn.inside("ip", "link", "show", "vpn0").returncode
    assert converged_vpn.do("find", "/etc/wireguard", "/etc/sysctl.d", "-name", "*vpn*") == ""
    assert "chain forward" not in converged_vpn.do("nft", "list", "table", "inet", "host_firewall")
    assert operator.converge("base").changed == 0
