"""The networks between the hosts, in the namespace of this process: it is the hypervisor, and the gateway of each.

`python -m tests.lab` starts itself in namespaces for network, mounts and processes (tests.e2e.bed.machine), so that the
addresses of the plan, and those of the outside world, mean nothing but hosts of the lab.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAMESPACES = Path("/run/netns")
OUTSIDE = "outside"
"""The namespace that stands for the Internet."""
_TRANSIT = ("192.0.2.1", "192.0.2.2")


def ip(*arguments: str, namespace: str = "") -> None:
    """Run iproute2's ip, in a namespace if one is named."""
    inside = ("-n", namespace) if namespace else ()
    subprocess.run(["ip", *inside, *arguments], check=True, capture_output=True, text=True)


def make_networks(networks: Iterable[Mapping[str, Any]]) -> None:
    """Make a bridge with the gateway's address for each network of the plan, and forward between them."""
    NAMESPACES.mkdir(exist_ok=True)  # A new machine has none before its first namespace.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(NAMESPACES)], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for network in networks:
        bridge = bridge_of(network)
        ip("link", "add", bridge, "type", "bridge", "forward_delay", "0")
        ip("address", "add", f"{network['gateway']}/{network['prefix']}", "dev", bridge)
        ip("link", "set", bridge, "up")


def bridge_of(network: Mapping[str, Any]) -> str:
    """Return the bridge of a network; the plan names none where the machines are there already."""
    return str(network["bridge"] or network["key"])


def make_outside(addresses: Iterable[str]) -> None:
    """Make a namespace that answers for addresses of the outside world; the hosts reach it through their gateways.

    Args:
        addresses: What lies out there, such as the name servers that the cluster's own ones ask.
    """
    ip("netns", "add", OUTSIDE)
    ip("link", "add", OUTSIDE, "type", "veth", "peer", "name", "eth0", "netns", OUTSIDE)
    ip("address", "add", f"{_TRANSIT[0]}/30", "dev", OUTSIDE)
    ip("link", "set", OUTSIDE, "up")
    ip("route", "add", "default", "via", _TRANSIT[1])
    ip("link", "set", "lo", "up", namespace=OUTSIDE)
    ip("address", "add", f"{_TRANSIT[1]}/30", "dev", "eth0", namespace=OUTSIDE)
    for address in addresses:
        ip("address", "add", f"{address}/32", "dev", "lo", namespace=OUTSIDE)
    ip("link", "set", "eth0", "up", namespace=OUTSIDE)
    ip("route", "add", "default", "via", _TRANSIT[0], namespace=OUTSIDE)


def plug_in(name: str, *, bridge: str, mac: str, address: str, prefix: int, gateway: str) -> None:
    """Make the network namespace of a host, with an interface eth0 that is on a bridge."""
    ip("netns", "add", name)
    ip("link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
    ip("link", "set", f"v-{name}", "master", bridge, "up")
    ip("link", "set", "lo", "up", namespace=name)
    ip("link", "set", "eth0", *(("address", mac) if mac else ()), "up", namespace=name)
    ip("address", "add", f"{address}/{prefix}", "dev", "eth0", namespace=name)
    ip("route", "add", "default", "via", gateway, namespace=name)


def unplug(name: str) -> None:
    """Remove the namespace of a host with everything in it."""
    # The namespace lives on as long as the last process in it, and the pair of interfaces with it.
    ip("link", "delete", f"v-{name}")
    ip("netns", "delete", name)


def set_cable(name: str, *, connected: bool) -> None:
    """Cut a host off from its bridge, or connect it again; the host itself runs on."""
    ip("link", "set", f"v-{name}", "up" if connected else "down")
