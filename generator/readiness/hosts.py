"""A hypervisor against the plan: what the machines placed on it want, and what it has. Nothing is asked here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.findings import Flaw
from generator.readiness import ruleset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.findings import Finding, Rule
    from generator.tools.hypervisor import HostFacts

_GIB = 1 << 30
_MIB = 1 << 20


@dataclass(frozen=True)
class Machine:
    """A machine of the plan, as its hypervisor sees it.

    Attributes:
        name: Host name.
        libvirt_name: What libvirt calls it.
        address: Its address.
        mac: Its MAC address, in lower case.
        cpus, memory_mib: What it gets.
        disk_gib: All of its disks together.
    """

    name: str
    libvirt_name: str
    address: str
    mac: str
    cpus: int
    memory_mib: int
    disk_gib: int


@dataclass(frozen=True)
class HostPlan:
    """What the plan wants of a hypervisor.

    Attributes:
        name: As the answers call it.
        uri: Where libvirt is.
        address: Its own address in the LAN; "" where it is not known.
        bridge: The bridge into the LAN; "" where no network of the plan needs one.
        forwards: Whether its own rules forward between networks of the plan.
        machines: What is placed on it.
        vips: The virtual addresses of the cluster, where a load balancer is placed on it.
        balancers: The load balancers, wherever they are: they hold the virtual addresses.
        ports: TCP ports that something of the plan listens on, by address.
    """

    name: str
    uri: str
    address: str
    bridge: str
    forwards: bool
    machines: tuple[Machine, ...]
    vips: tuple[str, ...]
    balancers: tuple[Machine, ...]
    ports: Mapping[str, frozenset[int]]


def host_plans(plan: Mapping[str, Any]) -> tuple[HostPlan, ...]:
    """Return what the plan wants of each hypervisor; of those that are retired nothing is wanted.

    Args:
        plan: The address plan, as `lib/plan.jinja` renders it.
    """
    balancers = tuple(_machine(node) for node in plan["nodes"] if "loadbalancers" in node["groups"])
    bridges = {network["bridge"] for network in plan["networks"] if network["mode"] == "bridge"}
    # SSH is no endpoint of the plan: every machine has it.
    ports = {node["address"]: {plan["ports"]["ssh"]["port"]} for node in plan["nodes"]}
    for endpoint in plan["endpoints"]:
        if endpoint["protocol"] == "tcp":
            ports.setdefault(endpoint["address"], set()).add(endpoint["port"])
    found = []
    for host in plan["hosts"]:
        if host["retired"]:
            continue
        nodes = [node for node in plan["nodes"] if node["host"] == host["name"]]
        placed = any("loadbalancers" in node["groups"] for node in nodes)
        found.append(
            HostPlan(
                host["name"],
                host["uri"],
                host["address"],
                host["bridge"] if host["bridge"] in bridges else "",
                any(network["mode"] == "open" for network in plan["networks"]),
                tuple(map(_machine, nodes)),
                tuple(vip["address"] for vip in plan["vips"]) if placed else (),
                balancers,
                {address: frozenset(numbers) for address, numbers in ports.items()},
            )
        )
    return tuple(found)


def _machine(node: Mapping[str, Any]) -> Machine:
    return Machine(
        node["name"],
        node["libvirt_name"],
        node["address"],
        node["mac"],
        node["cpus"],
        node["memory_mib"],
        node["disk_gib"] + node["data_disk_gib"],
    )


def judge_host(plan: HostPlan, facts: HostFacts) -> list[Finding]:
    """Compare a hypervisor with its part of the plan.

    Args:
        plan: What is wanted of it.
        facts: What it has; what is None was not looked at.
    """
    return [*_access(plan, facts), *_resources(plan, facts), *_network(plan, facts)]


def _access(plan: HostPlan, facts: HostFacts) -> Iterator[Finding]:
    if facts.kvm == "missing":
        yield _found(
            ruleset.KVM,
            plan,
            "KVM is not there (/dev/kvm): machines would run, if at all, at a small part of their speed",
            "Switch virtualization (VT-x, AMD-V) on in the firmware, then `sudo modprobe kvm_intel` or kvm_amd.",
        )
    if facts.kvm == "forbidden":
        yield _found(
            ruleset.KVM,
            plan,
            "you may not use /dev/kvm",
            "Join its group, and log in again: `sudo usermod -aG kvm $USER`.",
        )
    if facts.libvirt_error:
        yield _found(
            ruleset.LIBVIRT,
            plan,
            f"libvirt does not answer at {plan.uri}: {facts.libvirt_error}",
            f"Install libvirt and QEMU there, and virsh here (package libvirt-clients or libvirt-client); then "
            f"`virsh --connect {plan.uri} list` has to give a list.",
        )
    if facts.in_group is False:
        yield _found(
            ruleset.GROUP,
            plan,
            "you are not in the group libvirt",
            "Join it, and log in again: `sudo usermod -aG libvirt $USER`.",
        )


def _resources(plan: HostPlan, facts: HostFacts) -> Iterator[Finding]:
    memory = sum(machine.memory_mib for machine in plan.machines)
    if facts.memory is not None and memory * _MIB > facts.memory:
        yield _found(
            ruleset.MEMORY,
            plan,
            f"its machines have {memory:,} MiB of memory, and it has {facts.memory // _MIB:,}",
            "Lower memory_mib in the answer sizes or nodes, or have fewer machines (answer counts).",
        )
    if facts.cpus is not None:
        yield from _cpus(plan, facts.cpus)
    if facts.disk_free is not None and facts.disk_size is not None:
        yield from _disk(plan, facts.disk_free, facts.disk_size, facts)


def _cpus(plan: HostPlan, there: int) -> Iterator[Finding]:
    for machine in plan.machines:
        if machine.cpus > there:
            yield _found(
                ruleset.CPUS,
                plan,
                f"{machine.name} has {machine.cpus} CPUs, and it has {there}",
                "Lower cpus of this machine in the answer sizes or nodes.",
            )
    wanted = sum(machine.cpus for machine in plan.machines)
    if wanted > there:
        yield _found(
            ruleset.SHARED_CPUS,
            plan,
            f"its machines share {there} CPUs, and have {wanted}: {wanted / there:.1f} for each",
            "They are slower when all of them work. For CPUs of their own lower cpus in the answer sizes.",
        )


def _disk(plan: HostPlan, free: int, size: int, facts: HostFacts) -> Iterator[Finding]:
    """Compare the disks of the machines that are not there yet with the room: those of the others have taken theirs."""
    new = [machine for machine in plan.machines if machine.libvirt_name not in (facts.domains or ())]
    wanted = sum(machine.disk_gib for machine in new)
    if wanted * _GIB > size:
        yield _found(
            ruleset.DISK,
            plan,
            f"the disks of {len(new)} machines have {wanted:,} GiB, and {facts.disk_path} has {size // _GIB:,}",
            "Lower disk_gib and data_disk_gib in the answer sizes, or set pool_path in terraform/user.auto.tfvars to a "
            "larger file system.",
        )
    elif wanted * _GIB > free:
        yield _found(
            ruleset.GROWING_DISK,
            plan,
            f"the disks of {len(new)} machines grow to {wanted:,} GiB, and {facts.disk_path} has {free // _GIB:,} left",
            "Free some space there before they are full: a machine stops when its disk can't grow.",
        )


def _network(plan: HostPlan, facts: HostFacts) -> Iterator[Finding]:
    if plan.bridge and facts.bridge is not None:
        yield from _bridge(plan, facts)
    if plan.forwards and facts.has_nftables is False:
        yield _found(
            ruleset.NFTABLES,
            plan,
            "nft is not there: nothing forwards between the networks of the plan",
            "Install the package nftables, then follow host/README.md in the repository infra.",
        )


def _bridge(plan: HostPlan, facts: HostFacts) -> Iterator[Finding]:
    bridge = facts.bridge
    if bridge is None or not bridge.is_there:
        yield _found(
            ruleset.BRIDGE,
            plan,
            f"there is no bridge {plan.bridge}, which machines in the LAN need",
            "Make it as host/README.md in the repository infra says, or name another one in the answer hosts.",
        )
        return
    if not bridge.ports:
        yield _found(
            ruleset.BRIDGE,
            plan,
            f"no network card is in the bridge {plan.bridge}: it leads nowhere",
            f"Put the card into it that leads to the LAN; `ip -brief link show master {plan.bridge}` then shows it.",
        )
    if plan.address and plan.address not in bridge.addresses:
        there = ", ".join(bridge.addresses) or "none"
        yield _found(
            ruleset.BRIDGE,
            plan,
            f"the bridge {plan.bridge} has not the address {plan.address} that the plan says; it has: {there}",
            "Give the bridge that address, or correct it in the answer hosts.",
        )


def _found(rule: Rule, plan: HostPlan, message: str, fix: str) -> Finding:
    return rule.finding(Flaw("", 0, message, path=f"host {plan.name}", fix=fix))
