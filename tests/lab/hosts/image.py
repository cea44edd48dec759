"""What the hosts start from: a Debian made once by debootstrap, and the packages that roles install, as a repository.

Both lie in the cache of the test tools, below a digest of what they are made from. A host lays its own files over the
image (overlayfs), so that the image never changes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lab.hosts.debian import bootstrap, is_made, make_once, updated
from tests.lab.hosts.steps import run, write

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "bookworm"
_RECIPE = 1
"""To be raised when the steps change."""
# What the cloud images of a distribution have, as far as roles and tests use it.
_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "libpam-systemd", "udev", "python3", "python3-apt", "openssh-server", "sudo"),
    *("iproute2", "iputils-ping", "ca-certificates", "nftables", "procps", "kmod", "curl", "openssl"),
    "systemd-timesyncd",
)
_HYPERVISOR = (
    *("qemu-system-x86", "qemu-utils", "libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients"),
    *("dnsmasq-base", "network-manager"),
)
# What the roles install, and what the tests ask with; wireguard-go in place of a module of the kernel.
_ARCHIVE = (
    *("chrony", "haproxy", "keepalived", "nfs-kernel-server", "lvm2", "bind9-dnsutils"),
    *("wireguard-tools", "wireguard-go", *_HYPERVISOR),
)
# The network is made from outside; nothing in a host may touch it, or the clock. user@: the per-user manager can't end
# in a machine that no systemd-machined knows, and holds every stop for half a minute.
_MASKED = (
    *("systemd-networkd.service", "systemd-networkd-wait-online.service", "systemd-udevd.service"),
    *("systemd-udev-trigger.service", "getty.target", "console-getty.service", "user@.service"),
    *("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_reap.service", "fstrim.timer"),
)
# Hosts and machine share one clock: it is served and measured here, never set (-x). No host has the capability for it,
# which these services look for.
_CHRONY = "[Unit]\nConditionCapability=\n[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS\n"
_TIMESYNCD = (
    "[Unit]\nConditionCapability=\nConditionVirtualization=\n"
    "[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\nPrivateDevices=no\n"
)
_FLATCAR_RELEASE = (
    'NAME="Flatcar Container Linux by Kinvolk"\nID=flatcar\nID_LIKE=coreos\nVERSION=4593.2.4\nVERSION_ID=4593.2.4\n'
)


@dataclass(frozen=True)
class Image:
    """A root file system for hosts, and the repository of packages beside it.

    Attributes:
        root: The root file system; never written to.
        flatcar: A layer over it that looks like Flatcar: its name, no package manager.
        archive: A flat repository of packages.
    """

    root: Path
    flatcar: Path
    archive: Path


def image_folder(cache: Path) -> Path:
    """Return where the image lies in the cache, whether it is made or not."""
    recipe = repr((_RECIPE, SUITE, _PACKAGES, _ARCHIVE, _MASKED, _CHRONY, _TIMESYNCD, _FLATCAR_RELEASE))
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    return cache / f"lab-{digest}"


def find_image(cache: Path) -> Image | None:
    """Return the image, or None when it has not been made."""
    folder = image_folder(cache)
    return _image_in(folder) if is_made(folder) else None


def make_image(cache: Path) -> Image:
    """Return the image, made if it is not there; that takes some minutes and root.

    Raises:
        LabError: debootstrap is missing, or a step failed.
    """
    folder = image_folder(cache)
    make_once(folder, _make)
    return _image_in(folder)


def _image_in(folder: Path) -> Image:
    return Image(folder / "root", folder / "flatcar", folder / "archive")


def _make(folder: Path) -> None:
    image = _image_in(folder)
    bootstrap(image.root, SUITE, _PACKAGES)
    _download(image)
    _settle(image.root)
    _make_flatcar(image)


def _download(image: Image) -> None:
    """Fill the repository with what the packages for roles need beside the image."""
    image.archive.mkdir()
    (image.archive / "partial").mkdir()
    inside = image.root / "srv" / "apt"
    inside.mkdir(parents=True, exist_ok=True)
    with updated(image.root):
        run("mount", "--bind", str(image.archive), str(inside))
        try:
            options = ("-o", "Dir::Cache::archives=/srv/apt", "-o", "APT::Install-Recommends=false")
            run("chroot", str(image.root), "apt-get", "-qq", "-y", "--download-only", *options, "install", *_ARCHIVE)
        finally:
            run("umount", str(inside))
    shutil.rmtree(image.archive / "partial")
    (image.archive / "lock").unlink(missing_ok=True)
    listing = subprocess.run(
        ["dpkg-scanpackages", "--multiversion", ".", "/dev/null"], cwd=image.archive, capture_output=True, check=True
    ).stdout
    (image.archive / "Packages").write_bytes(listing)
    digest = hashlib.sha256(listing).hexdigest()
    (image.archive / "Release").write_text(f"Origin: lab\nSuite: lab\nSHA256:\n {digest} {len(listing)} Packages\n")


def _settle(root: Path) -> None:
    """Make one image for many hosts: no identity, the user of the template, nothing that acts by itself."""
    for key in (root / "etc" / "ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc" / "machine-id").write_text("")
    run("chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", "core")
    write(root / "etc" / "sudoers.d" / "core", "core ALL=(ALL) NOPASSWD:ALL\n", 0o440)
    write(root / "etc" / "ssh" / "sshd_config.d" / "lab.conf", "UseDNS no\nPasswordAuthentication no\n")
    run("chroot", str(root), "systemctl", "--quiet", "mask", *_MASKED)
    write(root / "etc" / "systemd" / "system" / "chrony.service.d" / "lab.conf", _CHRONY)
    write(root / "etc" / "systemd" / "system" / "systemd-timesyncd.service.d" / "lab.conf", _TIMESYNCD)
    write(root / "etc" / "dpkg" / "dpkg.cfg.d" / "lab", "force-unsafe-io\n")
    for setting in (root / "etc" / "apt" / "apt.conf.d").glob("*"):
        setting.unlink()
    write(root / "etc" / "apt" / "apt.conf.d" / "90lab", 'APT::Install-Recommends "false";\n')
    shutil.rmtree(root / "var" / "lib" / "apt" / "lists")
    (root / "var" / "lib" / "apt" / "lists" / "partial").mkdir(parents=True)
    for source in (root / "etc" / "apt" / "sources.list.d").glob("*"):
        source.unlink()
    write(root / "etc" / "apt" / "sources.list", "deb [trusted=yes] file:/srv/apt ./\n")


def _make_flatcar(image: Image) -> None:
    """Make the layer of the Flatcar stand-in. overlayfs takes a character device 0:0 for a file that is gone."""
    write(image.flatcar / "usr" / "lib" / "os-release", _FLATCAR_RELEASE)
    write(image.flatcar / "etc" / "flatcar" / "enabled-sysext.conf", "python\n")
    (image.flatcar / "opt" / "bin").mkdir(parents=True)
    gone = ["etc/debian_version", "etc/apt", *(f"usr/bin/{name}" for name in ("apt", "apt-get", "apt-cache", "dpkg"))]
    for path in gone:
        (image.flatcar / path).parent.mkdir(parents=True, exist_ok=True)
        run("mknod", str(image.flatcar / path), "c", "0", "0")
