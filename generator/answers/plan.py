"""The address plan, as `rules` reads it by rendering `lib/plan.jinja`; nothing of it is computed here.

What the fields mean stands at the head of that file and of its stages in `lib/plan/`. A plan has more of them: here
stand those that fmc itself reads.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed import DataclassInstance

    _Record = TypeVar("_Record", bound=DataclassInstance)


@dataclass(frozen=True)
class Host:
    """A hypervisor; `retired` says that its machines are leaving it."""

    name: str
    retired: bool = False


@dataclass(frozen=True)
class Network:
    """A network; `dhcp_start` and `dhcp_end` are "" where a foreign server's range is not known."""

    key: str
    name: str
    libvirt_name: str
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
    """A machine; `network` is the key of its network, `image` is "" in the plan of a version without it."""

    name: str
    role: str
    groups: tuple[str, ...]
    os: str
    host: str
    network: str
    address: str
    mac: str
    cpus: int
    memory_mib: int
    disk_gib: int
    data_disk_gib: int
    fqdn: str
    libvirt_name: str
    image: str = ""


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
    """Version and internal networks of Kubernetes; `disable` are the packaged parts that K3s leaves out."""

    version: str
    pod_cidr: str
    service_cidr: str
    disable: tuple[str, ...] = ("traefik", "servicelb")


@dataclass(frozen=True)
class Peer:
    """A peer of the way in by WireGuard; `secret` is what the vault calls its key."""

    name: str
    address: str
    secret: str


@dataclass(frozen=True)
class Vpn:
    """The way in by WireGuard: `routes` are the networks that peers reach, `dns` what they ask for names."""

    endpoint: str
    port: int
    routes: tuple[str, ...]
    dns: tuple[str, ...]
    peers: tuple[Peer, ...]


@dataclass(frozen=True)
class Plan:
    """The address plan of a cluster; `ingress` is the address that all services have, `vpn` None without a way in."""

    hosts: tuple[Host, ...]
    networks: tuple[Network, ...]
    nodes: tuple[Node, ...]
    vips: tuple[Vip, ...]
    api: Endpoint
    ingress: str
    dns: tuple[str, ...]
    ntp: tuple[str, ...]
    repositories: Mapping[str, Repository]
    services: tuple[Service, ...]
    k3s: K3s
    vpn: Vpn | None = None

    @property
    def existing(self) -> bool:
        """Tell whether the cluster is there already, without machines of ours."""
        return "infra" not in self.repositories

    @property
    def made(self) -> bool:
        """Tell whether Terraform makes the machines; else they are there already."""
        return bool(self.hosts)

    @classmethod
    def from_dict(cls, plan: Mapping[str, Any]) -> Plan:
        """Return the plan that a rendered `plan` describes."""
        return cls(
            hosts=tuple(_records(Host, plan["hosts"])),
            networks=tuple(_records(Network, plan["networks"])),
            nodes=tuple(_records(Node, plan["nodes"])),
            vips=tuple(_records(Vip, plan["vips"])),
            api=_record(Endpoint, plan["api"]),
            ingress=plan["ingress"]["address"],
            dns=tuple(plan["dns"]["servers"]),
            ntp=tuple(plan["ntp"]["servers"]),
            repositories={part: _record(Repository, entry) for part, entry in plan["repositories"].items()},
            services=tuple(_records(Service, plan["services"])),
            k3s=_record(K3s, plan["k3s"]),
            vpn=_vpn(plan.get("vpn")),
        )


def _vpn(plan: Mapping[str, Any] | None) -> Vpn | None:
    return _record(Vpn, {**plan, "peers": list(_records(Peer, plan["peers"]))}) if plan else None


def _records(kind: type[_Record], entries: Iterable[Mapping[str, Any]]) -> Iterable[_Record]:
    return (_record(kind, entry) for entry in entries)


def _record(kind: type[_Record], entry: Mapping[str, Any]) -> _Record:
    """Return the entry's fields that fmc reads; what has a default may be missing in the plan of an older version."""
    given = {field.name: entry[field.name] for field in fields(kind) if field.name in entry or field.default is MISSING}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
