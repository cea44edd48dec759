"""loadbalancers.yml: HAProxy and Keepalived, a real pair of them, and whom they send to."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.lab.backends import JOINING, NO_QUORUM, ROOT, Backend
from tests.lab.gaps import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator
    from tests.lab.pair import Pair

    Evidence = Callable[[str], None]

pytestmark = pytest.mark.usefixtures("whole")

# -- the configuration -------------------------------------------------------------------------------------------------


def test_haproxy_has_nothing_to_say_against_its_configuration(pair: Pair) -> None:
    for host in pair.hosts:
        judged = host.inside("haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg")
        assert (judged.returncode, judged.stdout + judged.stderr) == (0, "Configuration file is valid\n")


def test_a_new_configuration_keeps_connections_and_addresses(pair: Pair, operator: Operator) -> None:
    holder = pair.holder("api")
    process = holder.do("systemctl", "show", "--property=MainPID", "haproxy", "keepalived")
    address, port = pair.endpoint("api")
    settings = {"haproxy_max_connections": 3000, "keepalived_advertisement_seconds": 0.6}
    with Client(address, port) as client:
        play = operator.converge("loadbalancers", "-e", json.dumps(settings))
        assert play.changed
        assert pair.holder("api") is holder
        assert holder.do("systemctl", "show", "--property=MainPID", "haproxy", "keepalived") == process
        operator.converge("loadbalancers")
    assert client.longest < 4
    assert pair.holder("api") is holder


# -- backends ----------------------------------------------------------------------------------------------------------


def test_a_server_without_quorum_gets_nobody(pair: Pair, backends: dict[str, Backend], evidence: Evidence) -> None:
    """k3s.md §4: its /readyz says 401 as before, etcd's /health alone tells."""
    begin = time.monotonic()
    backends["master1"].become(NO_QUORUM)
    pair.wait_without("api", "master1")
    evidence(f"a server without quorum was left out after {time.monotonic() - begin:.1f} s")
    assert pair.answering("api", 30) == {"master2", "master3"}


def test_a_server_that_joins_never_reaches_itself(pair: Pair, backends: dict[str, Backend]) -> None:
    """k3s.md §4: one that does waits for ever. Its port 6443 is open, and /readyz answers, long before etcd does."""
    backends["master1"].become(JOINING)
    pair.wait_without("api", "master1")
    address, port = pair.endpoint("api")
    asked = subprocess.run(
        ["ip", "netns", "exec", "master1", sys.executable, "-m", "tests.lab.gaps", address, str(port), "60"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert set(asked.stdout.split()) == {"master2", "master3"}


def test_the_ingress_is_where_something_answers(pair: Pair, backends: dict[str, Backend]) -> None:
    backends["worker2"].become({"readyz": 502})
    for name in ("http", "https"):
        pair.wait_without(name, "worker2")
        assert pair.answering(name, 20) == {"worker1", "worker3"}


def test_the_ingress_sees_who_asks(pair: Pair, backends: dict[str, Backend], lab: Lab) -> None:
    assert pair.answering("https") == {"worker1", "worker2", "worker3"}
    edge = next(row for row in lab.plan["networks"] if row["key"] == "edge")
    # This process is the gateway of each network.
    for name in ("worker1", "worker2", "worker3"):
        assert set(backends[name].clients()) == {edge["gateway"]}
