"""All hosts of a plan, in its networks."""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.lab.hosts import warm
from tests.lab.hosts.disk import Disk
from tests.lab.hosts.host import Host
from tests.lab.hosts.network import bridge_of, make_networks, make_outside
from tests.lab.hosts.outside import Outside
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.lab.hosts.image import Image

SPARE, SPARE_GIB = "spare", 2
"""The disk of storage machines that tests do with what they want."""


class Lab:
    """The machines of a rendered repository infra.

    Attributes:
        hosts: By name, in the order of the plan.
        shared: A folder that every host sees as /srv/lab.
        outside: The servers outside.
    """

    def __init__(self, folder: Path, plan_file: Path, image: Image, public_key: str) -> None:
        """Read the plan; nothing is started."""
        self.plan = json.loads(plan_file.read_text())
        self.shared = folder / "shared"
        self.shared.mkdir(parents=True)
        warm.offer(self.shared)
        self.outside = Outside(folder / "outside", self.plan["dns"]["upstream"], self.plan["ntp"]["upstream"])
        self._networks = {network["key"]: network for network in self.plan["networks"]}
        self.hosts = {
            node["name"]: Host(
                node=node,
                bridge=bridge_of(self._networks[node["network"]]),
                folder=folder / "hosts" / node["name"],
                image=image,
                public_key=public_key,
                shared=self.shared,
                disks=self._disks(node, folder / "disks"),
            )
            for node in self.plan["nodes"]
        }

    def make_networks(self) -> None:
        """Make the networks of the plan, and the world outside with the servers that the answers name."""
        make_networks(self._networks.values())
        make_outside(self.outside.addresses)
        self.outside.start(tools_folder() / "coredns")

    def start(self, names: Iterable[str] = ()) -> None:
        """Switch hosts on, all where none is named, and wait until they are up."""
        chosen = [self.hosts[name] for name in names] or list(self.hosts.values())
        for host in chosen:
            host.start()
        for host in chosen:
            host.wait_up()

    def stop(self) -> None:
        """Switch all hosts off at once, and end the servers outside; files stay until the folder is removed."""
        self.outside.stop()
        for host in self.hosts.values():
            host.cut_power()
            subprocess.run(["umount", "--lazy", str(host.root)], check=False, capture_output=True)
            for disk in host.disks:
                disk.detach()

    @contextmanager
    def restarts(self) -> Iterator[None]:
        """Let hosts restart themselves for as long as this lasts."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.2):
                for host in self.hosts.values():
                    host.restart_if_asked()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _disks(self, node: Mapping[str, Any], folder: Path) -> list[Disk]:
        """Return the disks of a storage machine: the planned one, and a small one for tests."""
        if "storage" not in node["groups"]:
            return []
        sizes = {"data": node["data_disk_gib"], SPARE: SPARE_GIB}
        return [Disk(serial, folder / f"{node['name']}-{serial}.img", gib) for serial, gib in sizes.items()]

    def group(self, name: str) -> list[Host]:
        """Return the hosts of a group of the inventory."""
        return [self.hosts[member] for member in self.plan["groups"][name]]
