"""What is seen of a hypervisor: with a virsh that notes what it is asked, and folders of a kernel that are made up."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from generator.tools.hypervisor import Places, is_local, look_at
from generator.tools.versions import family, version_of
from tests.conftest import require_tool

if TYPE_CHECKING:
    from pathlib import Path

VIRSH = """#!/bin/sh
echo "$*" >> "$0.asked"
case "$3" in
  list) printf 'home-lb1\\nhome-master1\\n\\n' ;;
  nodeinfo) printf 'CPU model:           x86_64\\nCPU(s):              24\\nMemory size:         36700160 KiB\\n' ;;
  domcapabilities) exit KVM ;;
esac
"""
REMOTE = "qemu+ssh://ada@kvm1/system"


@pytest.fixture
def virsh(tmp_path: Path) -> Path:
    return program(tmp_path / "virsh", VIRSH.replace("KVM", "0"))


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A machine with KVM and a bridge br0 that holds eno1."""
    (tmp_path / "kvm").write_text("")
    for folder in ("net/br0/bridge", "net/br0/brif/eno1", "net/eno1", "lib"):
        (tmp_path / folder).mkdir(parents=True)
    return Places(tmp_path / "kvm", tmp_path / "net", tmp_path / "lib" / "libvirt" / "images")


def test_this_machine_is_asked_itself(virsh: Path, places: Places) -> None:
    facts = look_at("qemu:///system", "br0", virsh=str(virsh), places=places)
    assert (facts.kvm, facts.libvirt_error) == ("usable", "")
    assert facts.domains == frozenset({"home-lb1", "home-master1"})
    assert facts.bridge is not None
    assert (facts.bridge.is_there, facts.bridge.ports) == (True, ("eno1",))
    assert facts.disk_path == str(places.disks.parents[1])
    disk = shutil.disk_usage(facts.disk_path)
    assert facts.disk_size == disk.total
    assert None not in (facts.cpus, facts.memory, facts.has_nftables)
    assert virsh.with_name("virsh.asked").read_text() == "--connect qemu:///system list --all --name\n"


def test_what_is_not_there_is_seen(tmp_path: Path, places: Places) -> None:
    places.kvm.unlink()
    facts = look_at("qemu:///system", "eno1", virsh=str(tmp_path / "nowhere"), places=places)
    assert (facts.kvm, facts.domains) == ("missing", None)
    assert "virsh" not in facts.libvirt_error or "found" in facts.libvirt_error
    assert facts.libvirt_error
    assert facts.bridge is not None
    assert not facts.bridge.is_there, "an interface that is no bridge"


def test_the_loopback_interface_is_asked_for_its_addresses(virsh: Path, places: Places) -> None:
    """`ip` itself: of the interfaces of this machine this one is there everywhere."""
    require_tool("ip")
    for folder in ("bridge", "brif"):
        (places.interfaces / "lo" / folder).mkdir(parents=True)
    facts = look_at("qemu:///system", "lo", virsh=str(virsh), places=places)
    assert facts.bridge is not None
    assert "127.0.0.1" in facts.bridge.addresses


@pytest.mark.parametrize(("ends", "kvm"), [("0", "usable"), ("1", "missing")])
def test_another_machine_is_asked_through_libvirt_alone(tmp_path: Path, ends: str, kvm: str) -> None:
    virsh = program(tmp_path / "virsh", VIRSH.replace("KVM", ends))
    facts = look_at(REMOTE, "br0", virsh=str(virsh))
    assert (facts.kvm, facts.cpus, facts.memory) == (kvm, 24, 35 << 30)
    assert (facts.bridge, facts.disk_free, facts.in_group, facts.has_nftables) == (None, None, None, None)
    asked = virsh.with_name("virsh.asked").read_text().splitlines()
    assert all(f"{REMOTE}?no_tty=1" in line for line in asked), "ssh must not ask for a password"


def test_another_machine_that_does_not_answer(tmp_path: Path) -> None:
    virsh = program(tmp_path / "virsh", "#!/bin/sh\necho 'error: Connection refused' >&2\nexit 1\n")
    facts = look_at(REMOTE, "", virsh=str(virsh))
    assert "Connection refused" in facts.libvirt_error
    assert (facts.kvm, facts.cpus) == (None, None)


def test_which_addresses_mean_this_machine() -> None:
    assert is_local("qemu:///system")
    assert not is_local(REMOTE)


def test_versions_are_what_programs_print(tmp_path: Path) -> None:
    assert version_of(sys.executable, ["--version"]) == f"Python {sys.version.split()[0]}\n"
    assert version_of(sys.executable, []) == ""
    assert version_of(str(tmp_path / "nowhere"), []) is version_of(str(tmp_path / "nowhere"), ["x"]) is None
    assert version_of(str(program(tmp_path / "fails", "#!/bin/sh\nexit 3\n")), ["--version"]) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"ID": "debian"}, "Debian"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "Debian"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "RedHat"),
        ({"ID": "arch"}, ""),
    ],
)
def test_families_of_distributions(told: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: told)
    assert family() == expected
