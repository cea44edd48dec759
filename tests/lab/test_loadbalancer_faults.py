"""Faults of load balancers: what each costs a client, and who holds the address then."""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.bed.waiting import wait_for
from tests.lab.gaps import Client
from tests.lab.hosts import network
from tests.lab.pair import NOTICED, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator
    from tests.lab.pair import Pair

    Evidence = Callable[[str], None]

pytestmark = pytest.mark.usefixtures("whole")


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


@contextlib.contextmanager
def _killed(host: Host, pair: Pair) -> Iterator[None]:
    host.do("systemctl", "kill", "--signal=KILL", "keepalived")
    yield


@contextlib.contextmanager
def _unplugged(host: Host, pair: Pair) -> Iterator[None]:
    pair.cut.add(host.name)
    host.set_cable(connected=False)
    try:
        yield
    finally:
        host.set_cable(connected=True)
        pair.cut.clear()


@contextlib.contextmanager
def _cut_off(host: Host, pair: Pair) -> Iterator[None]:
    """The switch behind the next one fails: the host's own cable is well."""
    pair.cut.add(host.name)
    network.ip("link", "set", f"v-{host.name}", "nomaster")
    try:
        yield
    finally:
        network.ip("link", "set", f"v-{host.name}", "master", host.bridge)
        pair.cut.clear()


@contextlib.contextmanager
def _halted(host: Host, pair: Pair) -> Iterator[None]:
    host.halt()
    try:
        yield
    finally:
        host.start()
        host.wait_up()


@contextlib.contextmanager
def _without_power(host: Host, pair: Pair) -> Iterator[None]:
    host.cut_power()
    try:
        yield
    finally:
        host.start()
        host.wait_up()


# What is done, and how long a client may wait for it, in seconds.
FAULTS: dict[str, tuple[Callable[[Host, Pair], contextlib.AbstractContextManager[None]], float]] = {
    "HAProxy stopped": (_stopped, 4.0),
    "HAProxy frozen": (_frozen, 6.0),
    "Keepalived stopped": (functools.partial(_stopped, service="keepalived"), 3.5),
    "Keepalived killed": (_killed, 3.5),
    "unplugged": (_unplugged, 3.5),
    "cut off behind the switch": (_cut_off, 3.5),
    "halted": (_halted, 3.5),
    "without power": (_without_power, 3.5),
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
            wait_for(f"{other.name} to take over", lambda: other.name in pair.holders(address), timeout=NOTICED)
            # Until one that is cut off has given up what it held.
            time.sleep(9 if "cut off" in fault else 2)
        evidence(f"{fault}: the longest gap of a client was {client.longest:.1f} s")
        with Client(address, port) as back:
            time.sleep(8)
    assert pair.holders(address) == [other.name]
    assert client.longest <= limit
    assert back.longest <= 1
    # Keepalived that is killed keeps its address until systemd has noticed (TimeoutStopSec).
    assert watch.doubled <= (5 if fault == "Keepalived killed" else 1)


def test_haproxy_that_was_killed_is_back_before_anybody_takes_over(pair: Pair, evidence: Evidence) -> None:
    holder = pair.holder("api")
    with Client(*pair.endpoint("api")) as client:
        holder.do("systemctl", "kill", "--signal=KILL", "haproxy")
        time.sleep(5)
    evidence(f"HAProxy killed: the longest gap of a client was {client.longest:.1f} s")
    assert client.longest <= 4


def test_a_lower_priority_would_move_nothing(pair: Pair) -> None:
    """Why the checks have weight 0: nopreempt, which forbids to fail back, forbids this as well."""
    file = "/etc/keepalived/keepalived.conf"
    holder = pair.holder("api")
    address, _ = pair.endpoint("api")
    for host in pair.hosts:
        host.do("cp", file, "/root/kept.conf")
        host.do("sed", "-i", "s/weight 0/weight -100/", file)
        host.do("systemctl", "reload", "keepalived")
    time.sleep(5)
    try:
        assert pair.holders(address) == [holder.name]
        holder.do("systemctl", "stop", "haproxy")
        time.sleep(10)
        assert pair.holders(address) == [holder.name]
    finally:
        for host in pair.hosts:
            host.do("mv", "/root/kept.conf", file)
            host.do("systemctl", "reload", "keepalived")
        holder.do("systemctl", "start", "haproxy")
        time.sleep(5)


def test_an_address_that_a_stranger_has_is_refused(pair: Pair, lab: Lab, operator: Operator) -> None:
    address, _ = pair.endpoint("api")
    edge = next(row for row in lab.plan["networks"] if row["key"] == "edge")
    for host in pair.hosts:
        host.do("systemctl", "stop", "keepalived")
    network.plug_in(
        "stranger",
        bridge=edge["bridge"],
        mac="52:54:00:99:99:99",
        address=address,
        prefix=edge["prefix"],
        gateway=edge["gateway"],
    )
    try:
        play = operator.play("loadbalancers")
    finally:
        network.unplug("stranger")
    assert play.code
    assert not play.changed, play.out
    said = " ".join(play.out.split())
    assert f"{address}, the virtual address api of the plan, is answered for by 52:54:00:99:99:99" in said
    assert "(vips.api.address)" in said
    # What the message advises: the stranger is gone.
    assert operator.converge("loadbalancers").changed
    assert pair.holder("api")
