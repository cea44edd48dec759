"""The outside world of the lab: a name server that the cluster's own ones ask, and a time server that a pool leads to.

The name server is CoreDNS with a few names of ours. The time server is a stand-in, `timeserver.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.bed.waiting import wait_for
from tests.lab.hosts import timeserver
from tests.lab.hosts.network import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAME, ADDRESS = "outside.example.net", "192.0.2.80"
"""A name that only the world outside knows."""
_COREFILE = """
.:53 {{
    bind {addresses}
    file {zone}
    log
}}
"""
_ZONE = """
$TTL 60
. IN SOA a.root. b.root. 1 60 60 60 60
. IN NS a.root.
"""


@dataclass
class Outside:
    """Servers of the world outside.

    Attributes:
        folder: For their files.
        addresses: Of the name server; the last one is also that of the time server.
        pools: Names of the time server.
        namespace: Where those addresses are; "" is the network of this process.
    """

    folder: Path
    addresses: Sequence[str]
    pools: Iterable[str]
    namespace: str = OUTSIDE
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)

    def start(self, coredns: Path) -> None:
        """Start both, and wait for the name server."""
        self.folder.mkdir(parents=True)
        corefile, zone = self.folder / "Corefile", self.folder / "root.zone"
        corefile.write_text(_COREFILE.format(addresses=" ".join(self.addresses), zone=zone))
        known = {NAME: ADDRESS} | dict.fromkeys(self.pools, self.addresses[-1])
        zone.write_text(_ZONE + "".join(f"{name}. IN A {address}\n" for name, address in known.items()))
        self.set_clock(0)
        self._run("names", str(coredns), "-conf", str(corefile))
        self._run("time", sys.executable, timeserver.__file__, self.addresses[-1], str(self._offset))
        wait_for("the name server outside", lambda: "CoreDNS-" in self.log("names"), timeout=20)

    def set_clock(self, offset: float) -> None:
        """Have the time server tell a time that is off by some seconds, from the next answer on."""
        self._offset.write_text(str(offset))

    def log(self, name: str) -> str:
        """Return what a server printed: `names` has a line for each question."""
        return (self.folder / f"{name}.log").read_text()

    def stop(self) -> None:
        """End both."""
        for process in self._processes:
            process.kill()
            process.wait()

    @property
    def _offset(self) -> Path:
        return self.folder / "offset"

    def _run(self, name: str, *command: str) -> None:
        inside = ("ip", "netns", "exec", self.namespace) if self.namespace else ()
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [*inside, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={"PATH": os.environ["PATH"]},
                )
            )
