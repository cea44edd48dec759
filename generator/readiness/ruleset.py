"""The rules on machines, each with its sentence; they are judged in this room."""

from __future__ import annotations

from generator.findings import Severity, declare

INSTALLATION = declare("doctor/installation", "The template of fmc is there.")
TOOL = declare("doctor/tool", "A program that the next steps need is there.")
VERSION = declare("doctor/tool-version", "A program has a version that the repositories work with.")
UNTESTED = declare("doctor/tool-untested", "A program has the version that was tested.", Severity.WARNING)
KVM = declare("doctor/kvm", "The hypervisor has KVM, and you may use it.")
LIBVIRT = declare("doctor/libvirt", "At the address of the hypervisor libvirt answers.")
GROUP = declare("doctor/libvirt-group", "You may manage libvirt's machines without being root.")
MEMORY = declare("doctor/memory", "The hypervisor has the memory of all machines that are placed on it.")
CPUS = declare("doctor/cpus", "No machine has more CPUs than its hypervisor.")
SHARED_CPUS = declare("doctor/cpus-shared", "The machines of a hypervisor have CPUs of their own.", Severity.WARNING)
DISK = declare("doctor/disk", "The hypervisor has room for the disks of all machines that are placed on it.")
GROWING_DISK = declare("doctor/disk-growing", "The disks have room to grow to their whole size.", Severity.WARNING)
BRIDGE = declare(
    "doctor/bridge", "The bridge into the LAN is there, with a network card, and with the address of the plan."
)
NFTABLES = declare("doctor/nftables", "A hypervisor that forwards between networks has nftables.")
ADDRESS = declare("doctor/address", "Nobody else answers at an address of the plan.")
IMAGE = declare("doctor/image", "A disk image that was fetched is the one that is pinned.")
