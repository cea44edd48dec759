"""A hypervisor against the plan, told by facts that are made up: each fault is found, and what is advised ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from generator.answers.load import load
from generator.readiness.addresses import judge_answers
from generator.readiness.hosts import HostPlan, host_plans, judge_host
from generator.readiness.images import Image, judge_images
from generator.tools.addresses import Answer
from generator.tools.hypervisor import BridgeFacts, HostFacts
from tests.pipeline.world import EXAMPLE, ROOT
from tests.remedies.walk import commands, do

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30


@pytest.fixture(scope="module")
def plan() -> HostPlan:
    """What examples/ha.yaml wants of its hypervisor, with a bridge into the LAN."""
    (made,) = host_plans(load(EXAMPLE, ROOT, {"edge": "192.168.0.0/24"}).plan_data)
    return replace(made, address="192.168.0.40")


@pytest.fixture
def ready(plan: HostPlan) -> HostFacts:
    """A hypervisor that has exactly what is wanted."""
    return HostFacts(
        "usable",
        "",
        frozenset(),
        in_group=True,
        cpus=sum(machine.cpus for machine in plan.machines),
        memory=sum(machine.memory_mib for machine in plan.machines) << 20,
        disk_path="/var/lib/libvirt/images",
        disk_free=sum(machine.disk_gib for machine in plan.machines) * GIB,
        disk_size=sum(machine.disk_gib for machine in plan.machines) * GIB,
        bridge=BridgeFacts(True, ("eno1",), ("192.168.0.40",)),
        has_nftables=True,
    )


def test_the_plan_of_a_host_is_its_share(plan: HostPlan) -> None:
    assert (plan.uri, plan.bridge, plan.forwards) == ("qemu:///system", "br0", True)
    assert len(plan.machines) == 11
    assert [machine.name for machine in plan.balancers] == ["lb1", "lb2"]
    assert plan.vips == ("192.168.0.10", "192.168.0.30")
    assert 6443 in plan.ports[plan.vips[0]]


def test_nothing_is_wanted_of_a_host_that_is_retired() -> None:
    loaded = load(EXAMPLE, ROOT, {"hosts": "{kvm1: {}, kvm2: {uri: qemu+ssh://kvm2/system, state: retired}}"})
    assert [plan.name for plan in host_plans(loaded.plan_data)] == ["kvm1"]


def test_a_host_that_has_everything_has_no_finding(plan: HostPlan, ready: HostFacts) -> None:
    assert judge_host(plan, ready) == []
    assert judge_host(plan, HostFacts()) == [], "what was not looked at is no finding"


FAULTS: dict[str, tuple[str, dict[str, object]]] = {
    "no KVM": ("doctor/kvm", {"kvm": "missing"}),
    "KVM of others": ("doctor/kvm", {"kvm": "forbidden"}),
    "no libvirt": ("doctor/libvirt", {"libvirt_error": "virsh was not found on PATH", "domains": None}),
    "not in the group": ("doctor/libvirt-group", {"in_group": False}),
    "a byte too little memory": ("doctor/memory", {"memory": -1}),
    "one CPU too few": ("doctor/cpus-shared", {"cpus": -1}),
    "a byte too little disk": ("doctor/disk", {"disk_size": -1}),
    "a byte too little left": ("doctor/disk-growing", {"disk_free": -1}),
    "no bridge": ("doctor/bridge", {"bridge": BridgeFacts(False)}),
    "an empty bridge": ("doctor/bridge", {"bridge": BridgeFacts(True, (), ("192.168.0.40",))}),
    "a bridge of another address": ("doctor/bridge", {"bridge": BridgeFacts(True, ("eno1",), ("192.168.0.41",))}),
    "no nft": ("doctor/nftables", {"has_nftables": False}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_and_named_with_its_remedy(fault: str, plan: HostPlan, ready: HostFacts) -> None:
    """That the remedy ends it: with what it asks for, the facts are those of a host that is ready."""
    rule, changed = FAULTS[fault]
    wrong = {
        key: getattr(ready, key) + value if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in changed.items()
    }
    (finding,) = judge_host(plan, replace(ready, **wrong))  # type: ignore[arg-type] # one case, one kind of value
    assert (finding.rule, finding.path) == (rule, "host kvm1")
    assert finding.fix
    assert judge_host(plan, ready) == []


def test_a_machine_larger_than_its_host_is_an_error(plan: HostPlan, ready: HostFacts) -> None:
    found = judge_host(plan, replace(ready, cpus=3))
    assert [finding.rule for finding in found] == ["doctor/cpus"] * 3 + ["doctor/cpus-shared"]
    smaller = replace(plan, machines=tuple(replace(machine, cpus=1) for machine in plan.machines))
    assert judge_host(smaller, replace(ready, cpus=len(plan.machines))) == []


def test_disks_that_are_there_have_their_room_already(plan: HostPlan, ready: HostFacts) -> None:
    domains = frozenset(machine.libvirt_name for machine in plan.machines)
    assert judge_host(plan, replace(ready, domains=domains, disk_free=0)) == []


# -- addresses


MAC_OF_A_STRANGER = "00:16:3e:00:00:01"


@pytest.mark.parametrize("where", ["machine", "vip"])
@pytest.mark.parametrize(
    ("mac", "domains", "severity"),
    [
        ("own", frozenset(), None),
        (MAC_OF_A_STRANGER, frozenset(), "error"),
        ("", frozenset(), "error"),
        ("", "own", None),
        ("", None, "warning"),
    ],
)
def test_who_answers_is_told_by_mac_address_and_by_libvirt(
    where: str, mac: str, domains: frozenset[str] | str | None, severity: str | None, plan: HostPlan
) -> None:
    owner = plan.balancers[1] if where == "vip" else plan.machines[0]
    address = plan.vips[0] if where == "vip" else owner.address
    known = frozenset({owner.libvirt_name}) if isinstance(domains, str) else domains
    found = judge_answers(plan, [Answer(address, 22, owner.mac if mac == "own" else mac)], known)
    assert [finding.severity.value for finding in found] == ([severity] if severity else [])
    assert all(address in finding.message for finding in found)
    assert judge_answers(plan, [], known) == [], "the other machine has another address by now"


# -- images


def test_an_image_that_is_another_one_is_removed_as_advised(tmp_path: Path) -> None:
    path = tmp_path / "an image.qcow2"
    path.write_bytes(b"cut off")
    right = Image("linux", path, "ab" * 64, "ab" * 64)
    (finding,) = judge_images([right, replace(right, found="cd" * 64)])
    do(commands(finding.fix)[0], tmp_path)
    assert not path.exists()
    assert judge_images([right]) == []
