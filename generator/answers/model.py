"""The typed answers: which questions exist, and of what type their values are.

Rules on the values are Jinja's (`lib/field.jinja`, `lib/rules/`), and so are the defaults (`copier.yml`): here
stands only what a template can't see, the types and the keys that nobody knows. `typecheck.py` holds answers against
it: every record is closed, and no value is converted. Mappings by role, network or host are open here: which keys they
may have stands in the tables of `lib/`, and their validators say it.

The mappings are plain typed dictionaries because pydantic takes longer to import than all rules take to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


class RepositoryNames(TypedDict, total=False):
    """Names or whole URLs of the repositories."""

    infra: str
    argocd: str
    apps: str
    monorepo: str


class Size(TypedDict, total=False):
    """Size of a machine."""

    cpus: int
    memory_mib: int
    disk_gib: int
    data_disk_gib: int


class NetworkOverride(TypedDict, total=False):
    """What is different about a network."""

    cidr: str
    gateway: str
    bridge: str
    dhcp_start: str
    dhcp_end: str


class VipOverride(TypedDict, total=False):
    """What is different about a virtual address."""

    address: str
    vrid: int


class VipOverrides(TypedDict, total=False):
    """Virtual addresses by name."""

    api: VipOverride
    ingress: VipOverride


class Named(TypedDict):
    """What a list calls its items by."""

    name: str


class NodeOverride(Named, Size, total=False):
    """A machine that differs from its role, or a further one."""

    rename: str
    role: str
    group: str
    os: str
    host: str
    network: str
    address: str
    mac: str


class Host(TypedDict, total=False):
    """A hypervisor and what it has."""

    uri: str
    address: str
    bridge: str
    cpus: int
    memory_mib: int
    disk_gib: int


class Kubernetes(TypedDict, total=False):
    """Version and internal networks of K3s."""

    version: str
    pod_cidr: str
    service_cidr: str


@dataclass(frozen=True)
class Answers:
    """An answer to every question of copier.yml; what each one means stands there."""

    name: str
    domain: str
    profile: str
    layout: str
    git_base_url: str
    email: str
    timezone: str
    ssh_public_key: str
    edge: str
    dns_upstream: list[str]
    exposure: str
    components: list[str]
    git_branch: str
    repositories: RepositoryNames
    git_read: str
    git_authority: str
    git_known_hosts: list[str]
    counts: dict[str, int]
    sizes: dict[str, Size]
    networks: dict[str, NetworkOverride]
    vips: VipOverrides
    nodes: list[NodeOverride]
    hosts: dict[str, Host]
    kubernetes: Kubernetes
    chart_mirror: str
    vault_recipients: list[str]
