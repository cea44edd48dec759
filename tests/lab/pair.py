"""The pair of load balancers: who holds an address, who answers behind it, and for how long two held it at once."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.e2e.bed.waiting import wait_for
from tests.lab.gaps import ask
from tests.lab.hosts import network

if TYPE_CHECKING:
    from tests.lab.hosts.host import Host

NOTICED = 12.0
"""Seconds within which load balancers have noticed anything, on a slow machine."""


@dataclass
class Pair:
    """The load balancers, and who holds what.

    Attributes:
        hosts: They.
        plan: The plan.
        cut: Names of those that nobody reaches at the moment.
    """

    hosts: list[Host]
    plan: dict[str, Any]
    cut: set[str] = field(default_factory=set)

    def endpoint(self, name: str) -> tuple[str, int]:
        """Return address and port of what is balanced."""
        for endpoint in self.plan["endpoints"]:
            if endpoint["name"] == name:
                return endpoint["address"], endpoint["port"]
        raise KeyError(name)

    def holders(self, address: str) -> list[str]:
        """Return who has an address, of those that are on and reached."""
        found = []
        for host in self.hosts:
            if host.name in self.cut or not (network.NAMESPACES / host.name).exists():
                continue
            shown = subprocess.run(
                ["ip", "-n", host.name, "-oneline", "-4", "address"], capture_output=True, text=True, check=False
            ).stdout
            found += [host.name] if f" {address}/" in shown else []
        return found

    def holder(self, name: str) -> Host:
        """Return who holds the address of an endpoint; wait until it is one."""
        address, _ = self.endpoint(name)
        wait_for(f"one holder of {address}", lambda: len(self.holders(address)) == 1, timeout=NOTICED)
        (found,) = self.holders(address)
        return next(host for host in self.hosts if host.name == found)

    def other(self, than: Host) -> Host:
        """Return the other one."""
        return next(host for host in self.hosts if host is not than)

    def answering(self, name: str, times: int = 9) -> set[str]:
        """Return who answers at an endpoint."""
        address, port = self.endpoint(name)
        return {answer for _ in range(times) if (answer := ask(address, port, tls=name != "http"))}

    def wait_for_all(self, name: str) -> None:
        """Wait until all machines behind an endpoint take part."""
        backends = next(row["backends"] for row in self.plan["endpoints"] if row["name"] == name)
        wait_for(f"all backends of {name}", lambda: len(self.answering(name)) == len(backends), timeout=60)

    def wait_without(self, name: str, machine: str) -> None:
        """Wait until a machine is left out of an endpoint."""
        wait_for(f"{machine} to be left out of {name}", lambda: machine not in self.answering(name), timeout=NOTICED)


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
