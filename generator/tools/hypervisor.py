"""What a hypervisor has: asked of libvirt, and where it is this machine, of the kernel. Nothing is changed.

Elsewhere (`qemu+ssh://...`) libvirt alone is asked: it tells processors and memory, and whether KVM works.
"""

from __future__ import annotations

import grp
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from generator.errors import ToolError
from generator.tools.command import Command

_GROUP = "libvirt"
_LOCAL = re.compile(r"qemu:///")
_NODE = {"cpus": re.compile(r"^CPU\(s\):\s+(\d+)$", re.M), "memory": re.compile(r"^Memory size:\s+(\d+) KiB$", re.M)}
_ADDRESS = re.compile(r"\binet ([\d.]+)/\d+")


@dataclass(frozen=True)
class Places:
    """Where this machine tells of itself.

    Attributes:
        kvm: KVM's device.
        interfaces: The folder of network interfaces.
        disks: Where libvirt keeps disks.
    """

    kvm: Path = Path("/dev/kvm")
    interfaces: Path = Path("/sys/class/net")
    disks: Path = Path("/var/lib/libvirt/images")


@dataclass(frozen=True)
class BridgeFacts:
    """A bridge.

    Attributes:
        is_there: Whether there is one of this name.
        ports: Interfaces in it.
        addresses: Its own IPv4 addresses.
    """

    is_there: bool
    ports: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostFacts:
    """What a hypervisor has; None for what was not looked at.

    Attributes:
        kvm: `usable`, `missing` or `forbidden`.
        libvirt_error: Why libvirt does not answer; "" where it does.
        domains: Names of the machines that libvirt has.
        in_group: Whether who asks may manage them without being root.
        cpus: Processors.
        memory: Bytes.
        disk_path: The folder for disks, or the nearest one above it that is there.
        disk_free, disk_size: Bytes of its file system.
        bridge: The bridge that was asked for.
        has_nftables: Whether `nft` is there.
    """

    kvm: str | None = None
    libvirt_error: str = ""
    domains: frozenset[str] | None = None
    in_group: bool | None = None
    cpus: int | None = None
    memory: int | None = None
    disk_path: str = ""
    disk_free: int | None = None
    disk_size: int | None = None
    bridge: BridgeFacts | None = None
    has_nftables: bool | None = None


def is_local(uri: str) -> bool:
    """Tell whether an address of libvirt means this machine."""
    return bool(_LOCAL.match(uri))


def look_at(uri: str, bridge: str, *, virsh: str = "virsh", places: Places | None = None) -> HostFacts:
    """Look at a hypervisor.

    Args:
        uri: Where its libvirt is.
        bridge: The bridge to look for, if it is this machine; "" for none.
        virsh: The program that asks libvirt.
        places: Where this machine tells of itself.
    """
    libvirt = Command(virsh, timeout=20.0, environment={"LC_ALL": "C"})
    if "+ssh:" in uri:
        # ssh would ask for a password on the terminal.
        uri += "&no_tty=1" if "?" in uri else "?no_tty=1"
    try:
        listed = libvirt.run(["--connect", uri, "list", "--all", "--name"]).stdout.decode(errors="replace")
        error, domains = "", frozenset(listed.split())
    except ToolError as failed:
        error, domains = failed.message, None
    if is_local(uri):
        return _this_machine(error, domains, bridge, places or Places())
    if error:
        return HostFacts(libvirt_error=error)
    return _elsewhere(libvirt, uri, domains)


def _elsewhere(libvirt: Command, uri: str, domains: frozenset[str] | None) -> HostFacts:
    try:
        told = libvirt.run(["--connect", uri, "nodeinfo"]).stdout.decode(errors="replace")
    except ToolError as failed:
        return HostFacts(libvirt_error=failed.message, domains=domains)
    try:
        libvirt.run(["--connect", uri, "domcapabilities", "--virttype", "kvm"])
        kvm = "usable"
    except ToolError:
        kvm = "missing"
    numbers = {key: int(found[1]) if (found := pattern.search(told)) else None for key, pattern in _NODE.items()}
    memory = numbers["memory"]
    return HostFacts(kvm, domains=domains, cpus=numbers["cpus"], memory=memory << 10 if memory else None)


def _this_machine(error: str, domains: frozenset[str] | None, bridge: str, places: Places) -> HostFacts:
    folder = next(one for one in (places.disks, *places.disks.parents) if one.is_dir())
    disk = shutil.disk_usage(folder)
    return HostFacts(
        _kvm(places.kvm),
        error,
        domains,
        _in_group(),
        os.cpu_count(),
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        str(folder),
        disk.free,
        disk.total,
        _bridge(bridge, places.interfaces) if bridge else None,
        # Programs of root lie in folders that are not on everybody's PATH.
        shutil.which("nft", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))) is not None,
    )


def _kvm(device: Path) -> str:
    if not device.exists():
        return "missing"
    return "usable" if os.access(device, os.R_OK | os.W_OK) else "forbidden"


def _in_group() -> bool | None:
    """Tell whether the user is in libvirt's group; None where there is no such group, as before libvirt is there."""
    if os.geteuid() == 0:
        return True
    try:
        return grp.getgrnam(_GROUP).gr_gid in (os.getegid(), *os.getgroups())
    except KeyError:
        return None


def _bridge(name: str, interfaces: Path) -> BridgeFacts:
    if not (interfaces / name / "bridge").is_dir():
        return BridgeFacts(is_there=False)
    ports = tuple(sorted(port.name for port in (interfaces / name / "brif").iterdir()))
    try:
        shown = Command("ip", timeout=5.0).run(["-4", "-oneline", "address", "show", "dev", name]).stdout.decode()
    except ToolError:
        shown = ""
    return BridgeFacts(is_there=True, ports=ports, addresses=tuple(_ADDRESS.findall(shown)))
