"""What a virtual machine of the lab boots from: a Debian as in its cloud images, made from packages once.

Packages and settings are those of the flavour `generic` in Debian's recipes for its cloud images (debian-cloud-images),
as far as a first boot depends on them. It lies in the cache of the test tools, below a digest of what it is made from.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
from typing import TYPE_CHECKING

from tests.lab.hosts.debian import bootstrap, is_made, make_once, updated
from tests.lab.hosts.steps import run, write

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "trixie"
_DISK = "disk.raw"
MIB = 1024
"""How large a disk it makes."""
_RECIPE = 1
"""To be raised when the steps change."""
# The kernel made for clouds is a fifth of the other one. What updates packages by itself, and AppArmor, is left out.
_PACKAGES = (
    *("linux-image-cloud-amd64", "initramfs-tools", "zstd", "grub-pc-bin", "e2fsprogs"),
    *("cloud-init", "cloud-guest-utils", "cloud-initramfs-growroot", "openssh-server", "sudo"),
    *("systemd-resolved", "libnss-resolve", "libnss-myhostname", "netplan.io", "systemd-timesyncd", "polkitd"),
    *("init", "libpam-systemd", "linux-sysctl-defaults", "netbase", "iputils-ping"),
)
_DPKG = "force-unsafe-io\n" + "".join(f"path-exclude=/usr/share/{name}/*\n" for name in ("doc", "locale", "man"))
# What a machine of this lab has; the initial file system would hold drivers for all there are.
_DRIVERS = "virtio_pci\nvirtio_blk\next4\n"
# What an emulated processor is slow at, and nobody judges here: a clock outside of it, measures against others on the
# same hardware, wide registers, programs in the kernel that watch file systems, drivers for what it only seems to have.
_SLOW = (
    *("tsc=reliable", "mitigations=off", "noxsave", "no5lvl", "lsm=yama"),
    "modprobe.blacklist=kvm,kvm_amd,powernow_k8,vsock,vmw_vmci,vmw_vsock_vmci_transport",
)
_MASKED = ("grub-common.service", "e2scrub_reap.service")
_GRUB_MODULES = ("biosdisk", "part_gpt", "ext2", "normal", "linux", "serial", "terminal")
_GRUB = f"""\
serial --unit=0 --speed=115200
terminal_output console serial
linux {{kernel}} root=PARTUUID={{root}} ro console=tty0 console=ttyS0,115200 {" ".join(_SLOW)}
initrd {{initrd}}
boot
"""
_ROOT = "6c2e3f0a-5b0d-4c55-9c2f-0a1f4d3b7e11"
_SECTOR = 512
# As Debian numbers them, without the one for UEFI.
_GRUB_START, _GRUB_SECTORS, _ROOT_START = 2048, 6144, 8192
_PARTITIONS = f"""\
label: gpt
unit: sectors
p14 : start={_GRUB_START}, size={_GRUB_SECTORS}, type=21686148-6449-6E6F-744E-656564454649
p1 : start={_ROOT_START}, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid={_ROOT}
"""
_FSTAB = f"PARTUUID={_ROOT} / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1\n"


def find_guest_image(cache: Path) -> Path | None:
    """Return the disk, or None when it has not been made."""
    folder = _folder(cache)
    return folder / _DISK if is_made(folder) else None


def make_guest_image(cache: Path) -> Path:
    """Return the disk, made if it is not there; that takes two minutes and root.

    Raises:
        LabError: A program is missing, or a step failed.
    """
    folder = _folder(cache)
    make_once(folder, _make)
    return folder / _DISK


def _make(folder: Path) -> None:
    root = folder / "root"
    write(root / "etc" / "dpkg" / "dpkg.cfg.d" / "lab", _DPKG)
    write(root / "etc" / "initramfs-tools" / "conf.d" / "lab", "MODULES=list\n")
    write(root / "usr" / "share" / "initramfs-tools" / "modules.d" / "lab", _DRIVERS)
    bootstrap(root, SUITE, ("systemd-sysv",))
    _install(root)
    _settle(root)
    _write_disk(root, folder / _DISK)
    shutil.rmtree(root)


def _folder(cache: Path) -> Path:
    recipe = repr((_RECIPE, SUITE, MIB, _PACKAGES, _DPKG, _DRIVERS, _MASKED, _GRUB_MODULES, _GRUB, _PARTITIONS, _FSTAB))
    return cache / f"guest-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"


def _install(root: Path) -> None:
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    try:
        with updated(root):
            run("chroot", str(root), "apt-get", "-qq", "-y", "--no-install-recommends", "install", *_PACKAGES)
    finally:
        run("umount", str(root / "proc"))


def _settle(root: Path) -> None:
    """Make it one of many machines that have not started yet."""
    run("chroot", str(root), "systemctl", "--quiet", "enable", "systemd-networkd")
    run("chroot", str(root), "systemctl", "--quiet", "mask", *_MASKED)
    for key in (root / "etc" / "ssh").glob("ssh_host_*"):
        key.unlink()
    for name in ("machine-id", "hostname"):
        write(root / "etc" / name, "")
    write(root / "etc" / "locale.conf", "LANG=C.UTF-8\n")
    write(root / "etc" / "fstab", _FSTAB)
    for folder in ("lib/apt/lists", "cache/apt"):
        shutil.rmtree(root / "var" / folder)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    initrd = kernel.with_name(kernel.name.replace("vmlinuz", "initrd.img"))
    settings = _GRUB.format(kernel=f"/boot/{kernel.name}", initrd=f"/boot/{initrd.name}", root=_ROOT)
    write(root / "boot" / "grub" / "grub.cfg", settings)


def _write_disk(root: Path, disk: Path) -> None:
    """Write the files into the partition for them, and GRUB before it; nothing is mounted."""
    with disk.open("wb") as stream:
        stream.truncate(MIB << 20)
    run("sfdisk", "--quiet", str(disk), stdin=_PARTITIONS)
    begin = _ROOT_START * _SECTOR
    # The partition ends before the second table, which takes the last sectors.
    size = f"{MIB - (begin >> 20) - 1}m"
    run("mke2fs", "-q", "-F", "-t", "ext4", "-E", f"offset={begin}", "-d", str(root), str(disk), size)
    modules = root / "usr" / "lib" / "grub" / "i386-pc"
    make = ("grub-mkimage", "--format=i386-pc", "--prefix=(hd0,gpt1)/boot/grub", "--output=/boot/grub/core.img")
    run("chroot", str(root), *make, *_GRUB_MODULES)
    first = bytearray((modules / "boot.img").read_bytes())
    core = bytearray((root / "boot" / "grub" / "core.img").read_bytes())
    # Where the rest of each lies, as grub-bios-setup would write it: boot.img names the first sector of core.img, and
    # the last words of that one name the next.
    struct.pack_into("<Q", first, 0x5C, _GRUB_START)
    struct.pack_into("<Q", core, 0x1F4, _GRUB_START + 1)
    with disk.open("r+b") as stream:
        # Then come the signature of the disk and its first table.
        stream.write(first[:440])
        stream.seek(_GRUB_START * _SECTOR)
        stream.write(core)
