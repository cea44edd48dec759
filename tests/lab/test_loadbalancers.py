"""loadbalancers.yml: HAProxy and Keepalived, a real pair of them, and what each fault costs a client."""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.bed.waiting import wait_for
from tests.lab.backends import JOINING, NO_QUORUM, ROOT, WELL, Backend, serve
from tests.lab.gaps import Client, ask
from tests.lab.hosts import network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator, Play

    Evidence = Callable[[str], None]

_NOTICED = 12.0
"""Seconds within which load balancers have noticed anything, on a slow machine."""


@dataclass
class Pair:
    """The load balancers, and who holds what.

    Attributes:
        hosts: They.
        plan: The plan.
    """

    hosts: list[Host]
    plan: dict[str, Any]

    def endpoint(self, name: str) -> tuple[str, int]:
        """Return address and port of what is balanced."""
        for endpoint in self.plan["endpoints"]:
            if endpoint["name"] == name:
                return endpoint["address"], endpoint["port"]
        raise KeyError(name)

    def holders(self, address: str) -> list[str]:
        """Return who has an address, of those that are on."""
        found = []
        for host in self.hosts:
            if not (network.NAMESPACES / host.name).exists():
                continue
            shown = subprocess.run(
                ["ip", "-n", host.name, "-oneline", "-4", "address"], capture_output=True, text=True, check=False
            ).stdout
            found += [host.name] if f" {address}/" in shown else []
        return found

    def holder(self, name: str) -> Host:
        """Return who holds the address of an endpoint; wait until it is one."""
        address, _ = self.endpoint(name)
        wait_for(f"one holder of {address}", lambda: len(self.holders(address)) == 1, timeout=_NOTICED)
        (found,) = self.holders(address)
        return next(host for host in self.hosts if host.name == found)

    def other(self, than: Host) -> Host:
        """Return the other one."""
        return next(host for host in self.hosts if host is not than)


class Watch:
    """Looks who holds an address all the time; `doubled` is for how long there were two, in seconds."""

    def __init__(self, pair: Pair, address: str) -> None:
        """Begin with `with`."""
        self.doubled = 0.0
        self._pair, self._address = pair, address
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        since = None
        while not self._ends.is_set():
            now = time.monotonic()
            if len(self._pair.holders(self._address)) > 1:
                since = since or now
                self.doubled = max(self.doubled, now - since)
            else:
                since = None
            time.sleep(0.1)


@pytest.fixture(scope="module")
def pair(converged: Play, lab: Lab) -> Pair:
    return Pair(lab.group("loadbalancers"), lab.plan)


@pytest.fixture(scope="module")
def backends(pair: Pair, lab: Lab, folder: Path) -> Iterator[dict[str, Backend]]:
    """Stand-ins behind the load balancers, by machine, in place of what runs there otherwise."""
    files = folder / "backends"
    files.mkdir()
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab"]
    subprocess.run(
        ["openssl", *new, "-keyout", str(files / "key.pem"), "-out", str(files / "cert.pem")],
        check=True,
        capture_output=True,
    )
    ports = {name: row["port"] for name, row in lab.plan["ports"].items()}
    servers, agents = lab.group("k3s_servers"), lab.group("k3s_agents")
    for host in (*servers, *agents):
        host.inside("systemctl", "stop", "k3s", "k3s-agent")
    behind_api = {"tls": ports["api"], "health": ports["etcd_metrics"]}
    behind_ingress = {"plain": ports["ingress_http"], "tls": ports["ingress_https"]}
    started = {host.name: serve(host.name, host.address, files, behind_api) for host in servers}
    started |= {host.name: serve(host.name, host.address, files, behind_ingress) for host in agents}
    for name in ("api", "https"):
        _wait_for_all(pair, name)
    yield started
    for backend in started.values():
        backend.stop()
    for host in (*servers, *agents):
        host.inside("systemctl", "start", "k3s", "k3s-agent")


@pytest.fixture(autouse=True)
def whole(pair: Pair, backends: dict[str, Backend]) -> Iterator[None]:
    """Each test begins and ends with everything in order."""
    yield
    for backend in backends.values():
        backend.become(WELL)
    for host in pair.hosts:
        if host.running:
            host.inside("systemctl", "start", "haproxy", "keepalived")
    for name in ("api", "https"):
        _wait_for_all(pair, name)


def _answering(pair: Pair, name: str, times: int = 9) -> set[str]:
    """Return who answers at an endpoint."""
    address, port = pair.endpoint(name)
    return {answer for _ in range(times) if (answer := ask(address, port, tls=name != "http"))}


def _wait_for_all(pair: Pair, name: str) -> None:
    wait_for(f"all backends of {name}", lambda: len(_answering(pair, name)) == 3, timeout=60)


def _wait_without(pair: Pair, name: str, machine: str) -> None:
    wait_for(f"{machine} to be left out of {name}", lambda: machine not in _answering(pair, name), timeout=_NOTICED)


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
    _wait_without(pair, "api", "master1")
    evidence(f"a server without quorum was left out after {time.monotonic() - begin:.1f} s")
    assert _answering(pair, "api", 30) == {"master2", "master3"}


def test_a_server_that_joins_never_reaches_itself(pair: Pair, backends: dict[str, Backend]) -> None:
    """k3s.md §4: one that does waits for ever. Its port 6443 is open, and /readyz answers, long before etcd does."""
    backends["master1"].become(JOINING)
    _wait_without(pair, "api", "master1")
    address, port = pair.endpoint("api")
    asked = subprocess.run(
        ["ip", "netns", "exec", "master1", sys.executable, "-m", "tests.lab.gaps", address, str(port), "60"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert set(asked.stdout.split()) == {"master2", "master3"}


def test_the_ingress_is_where_something_answers(pair: Pair, backends: dict[str, Backend]) -> None:
    backends["worker2"].become({"readyz": 502})
    for name in ("http", "https"):
        _wait_without(pair, name, "worker2")
        assert _answering(pair, name, 20) == {"worker1", "worker3"}


def test_the_ingress_sees_who_asks(pair: Pair, backends: dict[str, Backend], lab: Lab) -> None:
    assert _answering(pair, "https") == {"worker1", "worker2", "worker3"}
    edge = next(row for row in lab.plan["networks"] if row["key"] == "edge")
    # This process is the gateway of each network.
    for name in ("worker1", "worker2", "worker3"):
        assert set(backends[name].clients()) == {edge["gateway"]}


# -- faults ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _stopped(host: Host, pair: Pair, service: str = "haproxy") -> Iterator[None]:
    host.do("systemctl", "stop", service)
    try:
        yield
    finally:
        host.do("systemctl", "start", service)


@contextlib.contextmanager
def _frozen(host: Host, pair: Pair) -> Iterator[None]:
    host.do("systemctl", "kill", "--signal=STOP", "haproxy")
    try:
        yield
    finally:
        host.do("systemctl", "kill", "--signal=CONT", "haproxy")


# What is done, and how long a client may wait for it, in seconds.
FAULTS: dict[str, tuple[Callable[[Host, Pair], contextlib.AbstractContextManager[None]], float]] = {
    "HAProxy stopped": (_stopped, 4.0),
    "HAProxy frozen": (_frozen, 6.0),
    "Keepalived stopped": (functools.partial(_stopped, service="keepalived"), 3.5),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_holder_moves_the_address_once(fault: str, pair: Pair, evidence: Evidence) -> None:
    """Afterwards the address stays where it is, also when the first one is back."""
    harm, limit = FAULTS[fault]
    address, port = pair.endpoint("api")
    holder = pair.holder("api")
    other = pair.other(holder)
    with Watch(pair, address) as watch:
        with Client(address, port) as client, harm(holder, pair):
            wait_for(f"{other.name} to take over", lambda: other.name in pair.holders(address), timeout=_NOTICED)
            time.sleep(2)
        evidence(f"{fault}: the longest gap of a client was {client.longest:.1f} s")
        with Client(address, port) as back:
            time.sleep(8)
    assert pair.holders(address) == [other.name]
    assert client.longest <= limit
    assert back.longest <= 1
    assert watch.doubled <= 1
