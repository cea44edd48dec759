"""A hypervisor: a libvirtd of its own with QEMU, in a file system of its own, reached over its socket alone.

It lives in the network of this process: the bridges that it makes are seen here, and its machines can be reached. Its
processes have a namespace of their own, so that all of them end with it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.e2e.bed.waiting import wait_for
from tests.lab.hosts.errors import LabError
from tests.lab.hosts.steps import ENVIRONMENT, laid_over, run, write
from tests.side_by_side import alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.hosts.image import Image

_PACKAGES = (
    *("libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients", "qemu-system-x86", "qemu-utils"),
    *("dnsmasq-base", "iptables"),
)
# The daemon does not start without the account that it was built for, whatever qemu.conf says.
_ACCOUNT = ("useradd", "--system", "--no-create-home", "--home-dir", "/var/lib/libvirt", "libvirt-qemu")
_SETTINGS = {
    "libvirtd.conf": (
        'auth_unix_rw = "none"\nunix_sock_group = "root"\nunix_sock_rw_perms = "0700"\n'
        'log_outputs = "3:file:/var/log/libvirt/libvirtd.log"\n'
    ),
    # Nothing here is for virtlogd, a security module, control groups or namespaces, none of which there are.
    "qemu.conf": (
        'user = "root"\ngroup = "root"\nsecurity_driver = "none"\nstdio_handler = "file"\n'
        "cgroup_controllers = [ ]\nnamespaces = [ ]\n"
    ),
}
POOLS = "var/lib/libvirt/images"
# Orphans are the first process's: a shell that waits takes them, while libvirt would wait for what it killed.
_FIRST = "/usr/sbin/libvirtd --config /etc/libvirt/libvirtd.conf & wait"


@dataclass
class Hypervisor:
    """A hypervisor.

    Attributes:
        folder: Its files.
        image: What it starts from.
        disk_mib: How much its pools can hold, in memory.
    """

    folder: Path
    image: Image
    disk_mib: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def root(self) -> Path:
        """Return where its file system is."""
        return self.folder / "root"

    @property
    def uri(self) -> str:
        """Return by what it is reached from here."""
        return f"qemu:///system?socket={self.root}/run/libvirt/libvirt-sock"

    def start(self) -> None:
        """Switch it on.

        Raises:
            LabError: It does not come up.
        """
        layers = f"{make_layer(self.image)}:{self.image.root}"
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True)
        overlay = f"lowerdir={layers},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
        run("mount", "-t", "overlay", "overlay", "-o", overlay, str(self.root))
        for path in ("proc", "dev", "sys", "var/log/libvirt", POOLS):
            (self.root / path).mkdir(parents=True, exist_ok=True)
        run("mount", "--rbind", "/dev", str(self.root / "dev"))
        # Of this network: the one that is mounted already shows another one's interfaces.
        run("mount", "-t", "sysfs", "sysfs", str(self.root / "sys"))
        run("mount", "-t", "tmpfs", "tmpfs", "-o", f"size={self.disk_mib}m", str(self.root / POOLS))
        for name, text in _SETTINGS.items():
            (self.root / "etc" / "libvirt" / name).write_text(text)
        alone = ("unshare", "--pid", "--fork", "--kill-child", f"--mount-proc={self.root}/proc")
        with (self.folder / "libvirtd.out").open("wb") as output:
            self._process = subprocess.Popen(
                [*alone, "chroot", str(self.root), "sh", "-c", _FIRST],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
            )
        wait_for("libvirtd to answer", self._answers, timeout=60, report=self._said)

    def stop(self) -> None:
        """Switch it off, with all its machines."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        # Also where it came up halfway only: whoever removes its folder must not find this machine's /dev there.
        if self.root.is_mount():
            run("umount", "--recursive", "--lazy", str(self.root))

    def inside(self, *command: str) -> str:
        """Run a command in its file system, and return what it prints."""
        return run("chroot", str(self.root), *command)

    def virsh(self, *arguments: str) -> str:
        """Ask libvirt."""
        return self.inside("virsh", "--quiet", *arguments)

    def defined(self, kind: str) -> dict[str, ElementTree.Element]:
        """Return what libvirt has of a kind (`domain`, `network`, `pool`), by name."""
        listing, dump = {
            "domain": ("list", "dumpxml"),
            "network": ("net-list", "net-dumpxml"),
            "pool": ("pool-list", "pool-dumpxml"),
        }[kind]
        names = self.virsh(listing, "--all", "--name").split()
        return {name: ElementTree.fromstring(self.virsh(dump, name)) for name in sorted(names)}

    def running(self) -> set[str]:
        """Return the machines that run."""
        return set(self.virsh("list", "--name").split())

    def files(self) -> set[str]:
        """Return the names of all files in its pools."""
        return {path.name for path in (self.root / POOLS).rglob("*") if path.is_file()}

    def clear(self) -> None:
        """Remove all machines, networks, pools and disks."""
        for name in self.running():
            self.virsh("destroy", name)
        for name in self.virsh("list", "--all", "--name").split():
            self.virsh("undefine", name)
        for prefix in ("net", "pool"):
            for name in self.virsh(f"{prefix}-list", "--name").split():
                self.virsh(f"{prefix}-destroy", name)
            for name in self.virsh(f"{prefix}-list", "--all", "--name").split():
                self.virsh(f"{prefix}-undefine", name)
        for path in (self.root / POOLS).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextmanager
    def full(self) -> Iterator[None]:
        """Have no room left in the pools for as long as this lasts."""
        filler = self.root / POOLS / "filler"
        try:
            with filler.open("wb", buffering=0) as stream, suppress(OSError):
                while stream.write(bytes(1 << 20)):
                    pass
            yield
        finally:
            filler.unlink()

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise LabError(f"libvirtd ended while it started:\n{self._said()}")
        command = ["chroot", str(self.root), "virsh", "--quiet", "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _said(self) -> str:
        log = self.root / "var" / "log" / "libvirt" / "libvirtd.log"
        return (self.folder / "libvirtd.out").read_text() + (log.read_text() if log.exists() else "")


def make_layer(image: Image) -> Path:
    """Return the files that libvirt and QEMU add to an image, from its own repository of packages; made once.

    Raises:
        LabError: A package can't be installed.
    """
    cache = image.root.parent
    name = f"hypervisor-{hashlib.sha256(repr((_PACKAGES, _ACCOUNT)).encode()).hexdigest()[:16]}"
    layer, complete = cache / name, cache / f"{name}.complete"
    with alone(cache / "hypervisor.lock"):
        if complete.exists():
            return layer
        shutil.rmtree(layer, ignore_errors=True)
        with laid_over(str(image.root), layer) as root:
            (root / "srv" / "apt").mkdir(parents=True, exist_ok=True)
            run("mount", "--bind", str(image.archive), str(root / "srv" / "apt"))
            run("mount", "-t", "proc", "proc", str(root / "proc"))
            # Nothing starts because it is installed.
            write(root / "usr" / "sbin" / "policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
            run("chroot", str(root), "apt-get", "-qq", "update")
            run("chroot", str(root), "apt-get", "-qq", "-y", "--no-install-recommends", "install", *_PACKAGES)
            run("chroot", str(root), *_ACCOUNT)
        complete.touch()
    return layer
