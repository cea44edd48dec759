"""Other values for everything that the plan says of a machine and of a network, and what becomes of what exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "module.host_kvm1"
NODE = HOST + '.module.node["{}"]'
DOMAIN = NODE + ".libvirt_domain.this"
DISK = HOST + '.module.data_disk["{}"]'
# Another value for each field of the plan that a machine or a network has, but for what it is known by. The network is
# one beside those that there are, and the machine fits into it.
NODE_FIELDS: dict[str, Any] = {
    "derived": "other",
    "role": "plain",
    "groups": ["plain"],
    "os": "linux",
    "image": "other",
    "distribution": "Other",
    "host": "kvm2",
    "network": "other",
    "address": "10.9.0.99",
    "prefix": 24,
    "gateway": "10.9.0.1",
    "routes": [{"to": "10.99.0.0/16", "via": "10.9.0.2"}],
    "dns_servers": ["192.0.2.1"],
    "ntp_servers": ["192.0.2.2"],
    "mac": "52:54:00:00:00:01",
    "cpus": 7,
    "memory_mib": 9000,
    "disk_gib": 77,
    "data_disk_gib": 8,
    "fqdn": "other.example.com",
    "libvirt_name": "other",
}
NETWORK_FIELDS: dict[str, Any] = {
    "name": "other",
    "libvirt_name": "other",
    "mode": "bridge",
    "bridge": "br1",
    "cidr": "10.9.0.0/24",
    "prefix": 24,
    "gateway": "10.9.0.1",
    "broadcast": "10.9.0.255",
    "dhcp_start": "",
    "dhcp_end": "",
}
# What a machine has to have besides, for the plan to take another network.
PLACE = ("network", "address", "prefix", "gateway", "routes")


def add_network(plan: dict[str, Any]) -> None:
    """Add the other network."""
    plan["networks"].append(plan["networks"][0] | NETWORK_FIELDS | {"key": "other"})


def everything_otherwise(plan: dict[str, Any], name: str) -> None:
    """Change all that a machine is, but for the hypervisor that it is on, into a network that is new."""
    add_network(plan)
    (node,) = (node for node in plan["nodes"] if node["name"] == name)
    node |= NODE_FIELDS | {"host": node["host"]}


def touched(planned: Mapping[str, str]) -> set[str]:
    """Return what would happen to domains, volumes and networks that exist."""
    kinds = (".libvirt_domain.", ".libvirt_volume.", ".libvirt_network.")
    return {address for address, does in planned.items() if any(kind in address for kind in kinds) and does != "create"}
