"""The typed answers: which questions exist, and of what type their values are.

Rules on the values are Jinja's (`lib/field.jinja`, `lib/rules.jinja`), and so are the defaults (`copier.yml`): here stands
only what a template can't see, the types and the keys that nobody knows.
"""

from __future__ import annotations

from typing import Required

from pydantic import BaseModel, ConfigDict, with_config
from typing_extensions import TypedDict

_CLOSED = ConfigDict(extra="forbid", strict=True)


@with_config(_CLOSED)
class RepositoryNames(TypedDict, total=False):
    """Names of the repositories."""

    infra: str
    argocd: str
    apps: str
    monorepo: str


@with_config(_CLOSED)
class Counts(TypedDict, total=False):
    """Numbers of machines."""

    masters: int
    workers: int
    loadbalancers: int
    storage: int


@with_config(_CLOSED)
class Size(TypedDict, total=False):
    """Size of a machine."""

    cpus: int
    memory_mib: int
    disk_gib: int
    data_disk_gib: int


@with_config(_CLOSED)
class Sizes(TypedDict, total=False):
    """Sizes by role."""

    master: Size
    worker: Size
    loadbalancer: Size
    infra: Size
    storage: Size


@with_config(_CLOSED)
class NetworkOverride(TypedDict, total=False):
    """What is different about a network."""

    cidr: str
    gateway: str
    bridge: str
    dhcp_start: str
    dhcp_end: str


@with_config(_CLOSED)
class NetworkOverrides(TypedDict, total=False):
    """Networks by key."""

    edge: NetworkOverride
    infra: NetworkOverride
    cluster: NetworkOverride


@with_config(_CLOSED)
class VipOverride(TypedDict, total=False):
    """What is different about a virtual address."""

    address: str
    vrid: int


@with_config(_CLOSED)
class VipOverrides(TypedDict, total=False):
    """Virtual addresses by name."""

    api: VipOverride
    ingress: VipOverride


@with_config(_CLOSED)
class NodeOverride(Size, total=False):
    """A machine that differs from its role, or a further one."""

    name: Required[str]
    role: str
    address: str
    mac: str


@with_config(_CLOSED)
class Host(TypedDict, total=False):
    """The hypervisor and what it has."""

    uri: str
    cpus: int
    memory_mib: int
    disk_gib: int


@with_config(_CLOSED)
class Kubernetes(TypedDict, total=False):
    """Version and internal networks of K3s."""

    version: str
    pod_cidr: str
    service_cidr: str


class Answers(BaseModel):
    """An answer to every question of copier.yml; what each one means stands there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

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
    git_read: str
    repositories: RepositoryNames
    counts: Counts
    sizes: Sizes
    networks: NetworkOverrides
    vips: VipOverrides
    nodes: list[NodeOverride]
    host: Host
    kubernetes: Kubernetes
    vault_recipients: list[str]
