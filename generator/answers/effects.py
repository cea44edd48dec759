"""What changed answers do to what exists: what Terraform, K3s and Argo CD will make of the new plan.

The classes follow from how the rendered infra part makes things (its `terraform/README.md`): a machine changes with its
generation alone, its data disk never; a network is replaced by hand; K3s can't move its internal networks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.answers.plan import Network, Node, Plan


class Class(IntEnum):
    """How much a change takes away, the least first."""

    SAFE = 0
    RESTART = 1
    REPLACE = 2
    DESTROYS_DATA = 3

    def __str__(self) -> str:
        """Return it as people read it."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, order=True)
class Effect:
    """What an answer does to one thing.

    Attributes:
        name: The thing; `--allow-destructive` names it so.
        severity: The class of the change.
        message: What happens to it, and when.
    """

    name: str
    severity: Class
    message: str

    def as_dict(self) -> dict[str, str]:
        """Return it for `--output json`."""
        return {"name": self.name, "class": str(self.severity), "message": self.message}


MACHINE_FIELDS: Mapping[str, Class] = {
    "role": Class.REPLACE,
    "groups": Class.SAFE,
    "os": Class.REPLACE,
    "image": Class.REPLACE,
    "host": Class.REPLACE,
    "network": Class.REPLACE,
    "address": Class.REPLACE,
    "mac": Class.REPLACE,
    "cpus": Class.REPLACE,
    "memory_mib": Class.REPLACE,
    "disk_gib": Class.REPLACE,
}
"""What a change of each field does to a machine; `data_disk_gib` has rules of its own, names follow other answers."""

NETWORK_FIELDS: Mapping[str, Class] = {
    "libvirt_name": Class.REPLACE,
    "mode": Class.REPLACE,
    "bridge": Class.REPLACE,
    "cidr": Class.REPLACE,
    "gateway": Class.REPLACE,
    "dhcp_start": Class.REPLACE,
    "dhcp_end": Class.REPLACE,
}
"""What a change of each field does to a network; prefix and broadcast follow from its cidr, its name from its key."""

# What K3s calls the part that brings its own StorageClass.
_LOCAL_STORAGE = "local-storage"

_WHEN = {
    Class.SAFE: "takes effect with the next playbook",
    Class.REPLACE: "takes effect when its generation is raised: the machine is made anew then, and its data disk stays",
    Class.DESTROYS_DATA: "the machine is made anew there, without its disks",
}


def effects(before: Plan, after: Plan) -> tuple[Effect, ...]:
    """Compare the plan that a repository holds with the one that new answers give.

    Args:
        before: The plan as it was rendered last.
        after: The plan of the new answers.

    Returns:
        All effects, the worst first.
    """
    ours = (_hosts, _machines, _networks, _addresses, _kubernetes)
    compared = (*((_elsewhere,) if after.existing else ours), _repositories)
    found = [effect for compare in compared for effect in compare(before, after)]
    return tuple(sorted(found, key=lambda effect: (-effect.severity, effect.name)))


def _elsewhere(before: Plan, after: Plan) -> Iterator[Effect]:
    """Compare what is known of a cluster that is there already: it has no machines of ours."""
    if before.api != after.api:
        message = (
            f"{before.api.host} -> {after.api.host}; if that is another cluster, argocd/bootstrap/install sets it up, "
            "and the present one goes on reading the repositories until its Argo CD is removed"
        )
        yield Effect("cluster", Class.REPLACE, message)
    if before.ingress != after.ingress:
        message = f"{before.ingress} -> {after.ingress}; what names the old one has to follow, your DNS above all"
        yield Effect("address ingress", Class.RESTART, message)
    if before.k3s.pod_cidr != after.k3s.pod_cidr:
        message = f"{before.k3s.pod_cidr} -> {after.k3s.pod_cidr}; policies take only what is in it for pods"
        yield Effect("kubernetes pod_cidr", Class.RESTART, message)
    old, new = ({service.name: service.host for service in plan.services} for plan in (before, after))
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            message = f"{old[name]} -> {new[name]}; its certificate, and what names the old one, have to follow"
            yield Effect(f"service {name}", Class.REPLACE, message)


def _hosts(before: Plan, after: Plan) -> Iterator[Effect]:
    left = {host.name for host in before.hosts if not host.retired} - {host.name for host in after.hosts}
    for name in left:
        message = f"Terraform can't reach what it made there any more; first say hosts.{name}.state: retired, and apply"
        if not after.made:
            message = "nothing of it is destroyed, but Terraform's files go: it can't reach what it made there any more"
        yield Effect(f"host {name}", Class.DESTROYS_DATA, message)


def _by_hand(before: Plan, after: Plan) -> Iterator[Effect]:
    """Tell what becomes of machines that Terraform does not make, not any more, or not yet."""
    old, new = ({node.name: node for node in plan.nodes} for plan in (before, after))
    for name in old.keys() - new.keys():
        yield Effect(name, Class.SAFE, "it leaves the plan; nothing is done to the machine itself")
    for name in new.keys() - old.keys():
        yield Effect(name, Class.SAFE, f"a machine is added by the next {'apply' if after.made else 'playbook'}")
    yours = "that is yours to do: preflight.yml refuses the machine until it is so"
    when = dict.fromkeys(Class, yours) | {Class.SAFE: _WHEN[Class.SAFE]}
    for name in old.keys() & new.keys():
        if after.made:
            yield Effect(name, Class.REPLACE, "the next apply makes a new machine in place of the one that is there")
        elif not before.made:
            yield from _changed(name, old[name], new[name], MACHINE_FIELDS, when)


def _machines(before: Plan, after: Plan) -> Iterator[Effect]:
    if not (before.made and after.made):
        yield from _by_hand(before, after)
        return
    old, new = ({node.name: node for node in plan.nodes} for plan in (before, after))
    for name in old.keys() - new.keys():
        yield Effect(name, Class.DESTROYS_DATA, f"the machine goes, with {_disks(old[name])}")
    for name in new.keys() - old.keys():
        yield Effect(name, Class.SAFE, "a machine is added by the next apply")
    for name in old.keys() & new.keys():
        yield from _changed(name, old[name], new[name], MACHINE_FIELDS, _WHEN)
        yield from _data_disk(old[name], new[name])


def _disks(node: Node) -> str:
    root = f"its disk of {node.disk_gib} GiB"
    return f"{root} and its data disk of {node.data_disk_gib} GiB" if node.data_disk_gib else root


def _data_disk(old: Node, new: Node) -> Iterator[Effect]:
    name, before, after = f"{new.name}/data", old.data_disk_gib, new.data_disk_gib
    if before and after and old.host != new.host:
        message = f"the data disk of {before} GiB stays on {old.host}; Terraform's README says how to leave it there"
        yield Effect(name, Class.REPLACE, message)
    if before and not after:
        message = f"the data disk of {before} GiB goes; Terraform refuses until you removed it as its README says"
        yield Effect(name, Class.DESTROYS_DATA, message)
    elif after < before:
        message = f"the data disk can't shrink from {before} to {after} GiB: it would have to be made anew, empty"
        yield Effect(name, Class.DESTROYS_DATA, message)
    elif before and after > before:
        message = f"the data disk does not grow from {before} to {after} GiB by itself: its README says how"
        yield Effect(name, Class.RESTART, message)
    elif after > before:
        yield Effect(name, Class.REPLACE, f"a data disk of {after} GiB is added; {_WHEN[Class.REPLACE]}")


def _networks(before: Plan, after: Plan) -> Iterator[Effect]:
    if not (before.made and after.made):
        return
    old, new = ({network.key: network for network in plan.networks} for plan in (before, after))
    when = dict.fromkeys(Class, "it stays as it was made until it is replaced as terraform/README.md says")
    for key in old.keys() - new.keys():
        yield Effect(f"network {key}", Class.REPLACE, f"the network {old[key].cidr} goes")
    for key in new.keys() - old.keys():
        yield Effect(f"network {key}", Class.SAFE, f"the network {new[key].cidr} is added by the next apply")
    for key in old.keys() & new.keys():
        yield from _changed(f"network {key}", old[key], new[key], NETWORK_FIELDS, when)


def _changed(
    name: str, old: Node | Network, new: Node | Network, classes: Mapping[str, Class], when: Mapping[Class, str]
) -> Iterator[Effect]:
    """Give one effect for all fields of a thing, of the class of the worst."""
    changed = [field.name for field in fields(new) if field.name in classes and _differ(field.name, old, new)]
    if changed:
        worst = max(classes[field] for field in changed)
        told = ", ".join(f"{field} {_shown(getattr(old, field))} -> {_shown(getattr(new, field))}" for field in changed)
        yield Effect(name, worst, f"{told}; {when[worst]}")


def _differ(field: str, old: Node | Network, new: Node | Network) -> bool:
    # Of a machine that an older version planned the image is not known.
    unknown = field == "image" and not getattr(old, field)
    return not unknown and bool(getattr(old, field) != getattr(new, field))


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value) or "none"


def _addresses(before: Plan, after: Plan) -> Iterator[Effect]:
    old, new = ({vip.name: vip for vip in plan.vips} for plan in (before, after))
    for name in old.keys() & new.keys():
        if old[name].address != new[name].address:
            message = f"{old[name].address} -> {new[name].address}; what names the old one has to follow"
            yield Effect(f"address {name}", Class.RESTART, message)
    if before.api.host != after.api.host:
        message = f"{before.api.host} -> {after.api.host}; machines, services and certificates get other names"
        yield Effect("domain", Class.REPLACE, message)


def _kubernetes(before: Plan, after: Plan) -> Iterator[Effect]:
    if before.k3s.version != after.k3s.version:
        message = f"{before.k3s.version} -> {after.k3s.version}; each server and agent restarts"
        yield Effect("kubernetes version", Class.RESTART, message)
    was_gone, gone = (_LOCAL_STORAGE in plan.k3s.disable for plan in (before, after))
    if was_gone != gone:
        leaves = "K3s takes its StorageClass local-path away: volumes that are there stay, claims that name it get none"
        message = leaves if gone else "K3s makes its StorageClass local-path the default again"
        yield Effect("kubernetes local-path", Class.RESTART, f"{message}; each server restarts")
    # docs.k3s.io/cli/server: both are fixed once the cluster has started.
    for field in ("pod_cidr", "service_cidr"):
        old, new = getattr(before.k3s, field), getattr(after.k3s, field)
        if old != new:
            message = f"{old} -> {new}; K3s can't change it, the cluster has to be made anew"
            yield Effect(f"kubernetes {field}", Class.DESTROYS_DATA, message)


def _repositories(before: Plan, after: Plan) -> Iterator[Effect]:
    for part in before.repositories.keys() & after.repositories.keys():
        old, new = before.repositories[part], after.repositories[part]
        if old != new:
            told = f"{old.url} {old.path}".strip(), f"{new.url} {new.path}".strip()
            message = f"{told[0]} -> {told[1]}; a cluster that runs reads the old one until it is bootstrapped again"
            yield Effect(f"repository {part}", Class.REPLACE, message)
