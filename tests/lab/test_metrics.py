"""monitoring.yml and loadbalancers.yml: the numbers that Prometheus asks for are given, by the real programs."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from tests.e2e.bed.waiting import wait_for

if TYPE_CHECKING:
    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Play
    from tests.lab.pair import Pair


def addresses(lab: Lab, job: str) -> dict[str, str]:
    """Return where the plan has Prometheus ask, by machine."""
    names = {host.address: name for name, host in lab.hosts.items()}
    found = [target for target in lab.plan["targets"] if target["job"] == job]
    return {names[target["address"]]: f"http://{target['address']}:{target['port']}" for target in found}


def numbers(asker: Host, url: str) -> str:
    return asker.do("curl", "--silent", "--fail", f"{url}/metrics")


def are_up(servers: set[str], asker: Host, url: str) -> bool:
    row = r'(?m)^haproxy_server_status\{proxy="api",server="([^"]+)",state="UP"\} 1$'
    return set(re.findall(row, numbers(asker, url))) == servers


def test_haproxy_tells_a_node_which_servers_are_up_and_shows_nothing_else(
    converged: Play, lab: Lab, servers: list[Host], agents: list[Host]
) -> None:
    asked = addresses(lab, "haproxy")
    assert list(asked) == [host.name for host in lab.group("loadbalancers")]
    for url in asked.values():
        wait_for("all servers to be up", partial(are_up, {host.name for host in servers}, agents[0], url))
        page = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", f"{url}/"]
        assert agents[0].do(*page) == "404"


def test_one_load_balancer_is_seen_with_each_virtual_address(pair: Pair, lab: Lab, agents: list[Host]) -> None:
    for vip in lab.plan["vips"]:
        holders = [
            name
            for name, url in addresses(lab, "node").items()
            if re.search(rf'node_network_address_info\{{address="{re.escape(vip["address"])}"', numbers(agents[0], url))
        ]
        assert (holders, len(holders)) == (pair.holders(vip["address"]), 1)


def test_the_state_of_services_is_told_and_of_nothing_else_of_systemds(
    converged: Play, lab: Lab, agents: list[Host]
) -> None:
    for name, url in addresses(lab, "node").items():
        text = numbers(agents[0], url)
        units = set(re.findall(r'node_systemd_unit_state\{name="([^"]+)"', text))
        assert "node_exporter.service" in units, name
        assert all(unit.endswith(".service") for unit in units)
    url = addresses(lab, "node")[lab.group("dns_servers")[0].name]
    state = r'node_systemd_unit_state\{name="coredns\.service",state="active"[^}]*\} 1'
    assert re.search(state, numbers(agents[0], url))
