"""firewall.yml: what is let in, what survives, and that nobody locks themselves out."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator, Play

_TABLE = ("nft", "list", "table", "inet", "host_firewall")
_LISTEN = """
import socket, sys, threading
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print(flush=True)
while True:
    server.accept()[0].close()
"""


@pytest.fixture(scope="module", autouse=True)
def hosts(converged: Play, lab: Lab) -> Lab:
    return lab


@contextlib.contextmanager
def listening(host: Host, port: int) -> Iterator[None]:
    """Have something listen on a port of a host, unless something does already."""
    if f":{port} " in host.do("ss", "-Hltn"):
        yield
        return
    command = ["ip", "netns", "exec", host.name, sys.executable, "-c", _LISTEN, host.address, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        yield
        server.kill()


def reached(address: str, port: int, source: Host | None = None) -> bool:
    """Tell whether a connection comes about, from here or from another host."""
    ask = f"import socket; socket.create_connection(({address!r}, {port}), 2)"
    inside = ["ip", "netns", "exec", source.name] if source else []
    return not subprocess.run([*inside, sys.executable, "-c", ask], capture_output=True, check=False).returncode


def test_a_port_that_the_plan_does_not_name_is_closed(lab: Lab) -> None:
    for group in ("loadbalancers", "infra", "storage"):
        host = lab.group(group)[0]
        with listening(host, 9999):
            assert not reached(host.address, 9999), host.name
            assert reached(host.address, 9999, host), host.name
        assert reached(host.address, lab.plan["ports"]["ssh"]["port"]), host.name


def test_every_rule_of_the_plan_lets_in_whom_it_names(lab: Lab) -> None:
    """From another machine that is, or is in a network that is, among the rule's sources."""
    tried = set()
    for name, machine in lab.plan["firewall"].items():
        for rule in machine["rules"]:
            if rule["protocol"] == "tcp" and rule["name"] not in ("ssh", "api", "http", "https"):
                allowed = [ipaddress.ip_network(source) for source in rule["sources"]]
                source = next(
                    host
                    for host in lab.hosts.values()
                    if host.name != name and any(ipaddress.ip_address(host.address) in network for network in allowed)
                )
                with listening(lab.hosts[name], rule["port"]):
                    assert reached(lab.hosts[name].address, rule["port"], source), (name, rule["name"])
                tried.add(rule["name"])
    assert {"dns", "etcd_metrics", "nfs", "node_metrics"} <= tried


def test_etcds_health_is_kept_from_everybody_else(lab: Lab) -> None:
    port = lab.plan["ports"]["etcd_metrics"]["port"]
    server, other = lab.group("k3s_servers")[:2]
    with listening(server, port):
        assert reached(server.address, port, lab.group("loadbalancers")[0])
        assert reached(server.address, port, lab.group("k3s_agents")[0])
        assert not reached(server.address, port, other)
        assert not reached(server.address, port, lab.group("infra")[0])
        assert not reached(server.address, port)
    # What the table does not name is left to K3s.
    with listening(server, 10250):
        assert reached(server.address, 10250, other)


def test_rules_of_others_stay(lab: Lab, operator: Operator) -> None:
    host = lab.group("storage")[0]
    host.do("nft", "add table ip others; add chain ip others mine; add rule ip others mine counter accept")
    try:
        play = operator.converge("firewall", "--limit", host.name, "-e", _further(4321))
        assert play.changed
        assert "counter" in host.do("nft", "list", "table", "ip", "others")
        assert "4321" in host.do(*_TABLE)
        operator.converge("firewall", "--limit", host.name)
        assert "4321" not in host.do(*_TABLE)
    finally:
        host.do("nft", "delete", "table", "ip", "others")


def test_a_restart_brings_the_rules_back_before_anything_else(lab: Lab, operator: Operator) -> None:
    host = lab.group("storage")[0]
    before = host.do(*_TABLE)
    host.halt()
    host.start()
    host.wait_up()
    assert host.do(*_TABLE) == before
    order = host.do("systemctl", "show", "--property=Before", "host-firewall")
    assert "network-pre.target" in order
    # A distribution's own service begins with `flush ruleset`.
    for verb in ("start", "reload", "restart", "stop"):
        host.do("systemctl", verb, "nftables")
        assert host.do(*_TABLE) == before, verb
    # Whoever removes them by hand gets them back.
    host.do("nft", "flush", "ruleset")
    assert operator.converge("firewall", "--limit", host.name).changed
    assert host.do(*_TABLE) == before


def test_nobody_is_cut_off_by_a_plan_that_does_not_know_their_network(lab: Lab, operator: Operator) -> None:
    host = lab.group("storage")[0]
    before = host.do(*_TABLE)
    rules = [{"name": "ssh", "protocol": "tcp", "port": 22, "sources": ["192.0.2.0/24"]}]
    play = operator.play("firewall", "--limit", host.name, "-e", json.dumps({"firewall_rules": rules}))
    assert play.code
    assert not play.changed, play.out
    said = " ".join(play.out.split())
    assert f"You come from {host.node['gateway']}, and the plan lets SSH in from 192.0.2.0/24 alone." in said
    assert "Add your network to the answer admin_networks" in said
    assert host.do(*_TABLE) == before


def test_rules_that_cut_the_connection_are_taken_back(
    lab: Lab, operator: Operator, evidence: Callable[[str], None]
) -> None:
    """SSH at another port: the present connection lives on, and no new one comes through."""
    host = lab.group("storage")[0]
    before = host.do(*_TABLE)
    rules = [{"name": "ssh", "protocol": "tcp", "port": 2222, "sources": [host.node["gateway"]]}]
    settings = {"firewall_rules": rules, "firewall_rollback_seconds": 15, "firewall_connect_seconds": 5}
    begin = time.monotonic()
    play = operator.play("firewall", "--limit", host.name, "-e", json.dumps(settings))
    evidence(f"rules that cut off were taken back, and said to be, after {time.monotonic() - begin:.0f} s")
    assert play.code
    assert "no new connection by SSH came through, so the old ones are back" in " ".join(play.out.split())
    assert host.do(*_TABLE) == before
    with socket.create_connection((host.address, 22), 2):
        pass
    # What the message advises.
    assert not operator.converge("firewall", "--limit", host.name).recap[host.name].failed
    assert host.do(*_TABLE) == before


def test_a_second_firewall_is_refused(lab: Lab, operator: Operator) -> None:
    host = lab.group("storage")[0]
    host.do(
        "nft", "add table inet theirs; add chain inet theirs in { type filter hook input priority 10; policy accept; }"
    )
    host.do("nft", "add rule inet theirs in tcp dport 22 accept; add chain inet theirs in { policy drop; }")
    try:
        play = operator.play("firewall", "--limit", host.name)
    finally:
        host.do("nft", "delete", "table", "inet", "theirs")
    assert play.code
    assert not play.changed, play.out
    assert "Another firewall is at work on this machine, in the table theirs" in " ".join(play.out.split())


def _further(port: int) -> str:
    rule = {"name": "mine", "protocol": "tcp", "port": port, "sources": ["10.17.4.0/24"]}
    return json.dumps({"firewall_further_rules": [rule]})
