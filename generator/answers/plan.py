"""The address plan, as `rules` reads it by rendering `lib/plan.jinja`; nothing of it is computed here.

What the fields mean stands at the head of that file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Network:
    """A network; `dhcp_start` and `dhcp_end` are "" where a foreign server's range is not known."""

    key: str
    name: str
    mode: str
    bridge: str
    cidr: str
    prefix: int
    gateway: str
    broadcast: str
    dhcp_start: str
    dhcp_end: str


@dataclass(frozen=True)
class Node:
    """A machine; `network` is the key of its network."""

    name: str
    role: str
    os: str
    network: str
    address: str
    mac: str
    cpus: int
    memory_mib: int
    disk_gib: int
    data_disk_gib: int
    fqdn: str


@dataclass(frozen=True)
class Vip:
    """A virtual address of the load balancers."""

    name: str
    address: str
    vrid: int
    network: str


@dataclass(frozen=True)
class Endpoint:
    """Where people reach something."""

    host: str
    address: str


@dataclass(frozen=True)
class Repository:
    """A repository; `path` is "" or the part's folder in a monorepo, with a slash at its end."""

    url: str
    path: str


@dataclass(frozen=True)
class Service:
    """A host that the ingress answers for."""

    name: str
    host: str


@dataclass(frozen=True)
class K3s:
    """Version and internal networks of Kubernetes."""

    version: str
    pod_cidr: str
    service_cidr: str


@dataclass(frozen=True)
class Plan:
    """The address plan of a cluster."""

    networks: tuple[Network, ...]
    nodes: tuple[Node, ...]
    vips: tuple[Vip, ...]
    api: Endpoint
    ingress: Endpoint
    dns: tuple[str, ...]
    ntp: tuple[str, ...]
    repositories: Mapping[str, Repository]
    services: tuple[Service, ...]
    k3s: K3s

    @classmethod
    def from_dict(cls, plan: Mapping[str, Any]) -> Plan:
        """Return the plan that a rendered `plan` describes."""
        return cls(
            networks=tuple(Network(**network) for network in plan["networks"]),
            nodes=tuple(Node(**node) for node in plan["nodes"]),
            vips=tuple(Vip(**vip) for vip in plan["vips"]),
            api=Endpoint(**plan["api"]),
            ingress=Endpoint(**plan["ingress"]),
            dns=tuple(plan["dns"]),
            ntp=tuple(plan["ntp"]),
            repositories={part: Repository(**repository) for part, repository in plan["repositories"].items()},
            services=tuple(Service(**service) for service in plan["services"]),
            k3s=K3s(**plan["k3s"]),
        )
