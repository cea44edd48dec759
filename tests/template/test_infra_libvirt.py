"""The keys that the modules set in the provider libvirt: only such as its schema has."""

from __future__ import annotations

import re

from tests.template.conftest import ROOT

TERRAFORM = ROOT / "templates/infra/terraform"
# Every key of the nested values that the modules may set, as the schema of the provider libvirt 0.9.7 spells them.
# Terraform drops a key that is not in the schema without a word, so that this list stands between a misspelling and a
# machine that does not start.
LIBVIRT_KEYS = {
    "libvirt_network": """
        name autostart forward.mode bridge.name bridge.stp bridge.delay ips.address ips.prefix ips.dhcp.ranges.start
        ips.dhcp.ranges.end""",
    "libvirt_pool": "name type target.path destroy.delete",
    "libvirt_volume": """
        name pool capacity capacity_unit target.format.type target.permissions.mode create.content.url
        backing_store.path backing_store.format.type""",
    "libvirt_ignition": "name content",
    "libvirt_cloudinit_disk": "name user_data meta_data network_config",
    "libvirt_domain": """
        name type memory memory_unit vcpu running autostart cpu.mode os.type os.type_arch os.type_machine
        os.boot_devices.dev features.acpi features.apic clock.offset sys_info.fw_cfg.entry.name
        sys_info.fw_cfg.entry.value sys_info.fw_cfg.entry.file devices.disks.device devices.disks.driver.name
        devices.disks.driver.type devices.disks.driver.discard devices.disks.source.file.file
        devices.disks.target.dev devices.disks.target.bus devices.disks.serial devices.disks.read_only
        devices.interfaces.mac.address devices.interfaces.model.type devices.interfaces.source.network.network
        devices.consoles.target.type devices.consoles.target.port devices.channels.source.unix
        devices.channels.target.virt_io.name devices.rngs.model devices.rngs.backend.random update.shutdown.timeout""",
}
META_ARGUMENTS = {"count", "for_each", "depends_on", "lifecycle", "provider"}


def test_the_provider_knows_every_key_of_the_nested_values() -> None:
    used: dict[str, set[str]] = {}
    for path in TERRAFORM.rglob("*.tf"):
        for kind, keys in nested_keys(path.read_text()):
            used.setdefault(kind, set()).update(keys)
    assert used == {kind: set(keys.split()) for kind, keys in LIBVIRT_KEYS.items()}


def nested_keys(text: str) -> list[tuple[str, set[str]]]:
    """Return the kinds of the libvirt resources in a file, each with the dotted keys that have no keys below them."""
    # Without strings and comments, braces are braces.
    bare = re.sub(r'"(?:\\.|\$\{[^}]*\}|[^"\\])*"|#[^\n]*', "_", text)
    kinds = re.findall(r'^resource "(libvirt_\w+)"', text, re.M)
    bodies = re.findall(r"^resource _ _ \{\n(.*?)^\}", bare, re.M | re.S)
    all_kinds = re.findall(r'^resource "(\w+)"', text, re.M)
    assert len(bodies) == len(all_kinds)
    found = [(kind, _leaves(body)) for kind, body in zip(all_kinds, bodies, strict=True) if kind in kinds]
    assert len(found) == len(kinds)
    return found


def _leaves(body: str) -> set[str]:
    """Return the dotted keys of a resource's body that have no keys below them."""
    # One entry for each open bracket: the key that its content belongs to, "" where it belongs to the one around it.
    stack: list[str] = []
    keys: set[str] = set()
    pending = ""
    for token in re.findall(r"\w+(?= *=(?![=>]))|\w+(?= \{)|[\[\]{}()]", body):
        if token in "{[(":
            stack.append(pending)
            pending = ""
        elif token in "}])":
            stack.pop()
            pending = ""
        else:
            pending = token
            keys.add(".".join(filter(None, [*stack, token])))
    return {
        key
        for key in keys
        if key.split(".")[0] not in META_ARGUMENTS and not any(other.startswith(f"{key}.") for other in keys)
    }


def test_a_misspelled_nested_key_is_found() -> None:
    text = """
resource "libvirt_domain" "x" {
  os = { type = "hvm", archh = "x" }
  devices = { disks = [{ a = 1 }, { b = f(1) }] }
  lifecycle {
    ignore_changes = [os]
  }
}
"""
    assert nested_keys(text) == [("libvirt_domain", {"os.type", "os.archh", "devices.disks.a", "devices.disks.b"})]
