"""What a changed answer does to machines, disks and networks that are there (faults A6)."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest

from generator.answers.effects import MACHINE_FIELDS, NETWORK_FIELDS, Class, effects
from generator.answers.load import load
from generator.answers.plan import Network, Node
from tests.pipeline.world import EXAMPLE, ROOT

if TYPE_CHECKING:
    from generator.answers.plan import Plan

# They follow from the machine's name and the domain, which are told once; the disk has rules of its own.
DERIVED_OF_A_MACHINE = {"name", "fqdn", "libvirt_name", "data_disk_gib"}
DERIVED_OF_A_NETWORK = {"key", "name", "prefix", "broadcast"}


def plan(**changed: str) -> Plan:
    return load(EXAMPLE, ROOT, changed).plan


@pytest.fixture(scope="module")
def before() -> Plan:
    return plan()


def test_each_field_of_a_machine_and_of_a_network_has_its_class() -> None:
    assert {field.name for field in fields(Node)} == MACHINE_FIELDS.keys() | DERIVED_OF_A_MACHINE
    assert {field.name for field in fields(Network)} == NETWORK_FIELDS.keys() | DERIVED_OF_A_NETWORK


@pytest.mark.parametrize(
    ("question", "answer", "name", "severity"),
    [
        ("counts", "{workers: 2}", "worker3", Class.DESTROYS_DATA),
        ("counts", "{workers: 4}", "worker4", Class.SAFE),
        ("sizes", "{worker: {data_disk_gib: 0}}", "worker1/data", Class.DESTROYS_DATA),
        ("sizes", "{worker: {data_disk_gib: 40}}", "worker1/data", Class.DESTROYS_DATA),
        ("sizes", "{worker: {data_disk_gib: 120}}", "worker1/data", Class.RESTART),
        ("sizes", "{master: {data_disk_gib: 8}}", "master1/data", Class.REPLACE),
        ("sizes", "{worker: {cpus: 6}}", "worker1", Class.REPLACE),
        ("networks", "{cluster: {cidr: 10.17.9.0/24}}", "network cluster", Class.REPLACE),
        ("networks", "{cluster: {cidr: 10.17.9.0/24}}", "master1", Class.REPLACE),
        ("vips", "{ingress: {address: 10.17.5.31}}", "address ingress", Class.RESTART),
        ("kubernetes", "{pod_cidr: 10.44.0.0/16}", "kubernetes pod_cidr", Class.DESTROYS_DATA),
        ("kubernetes", "{version: v1.36.5+k3s1}", "kubernetes version", Class.RESTART),
        ("components", "[traefik, hello, nfs]", "kubernetes local-path", Class.RESTART),
        ("domain", "other.example.com", "domain", Class.REPLACE),
        ("git_base_url", "https://git.example.com/other", "repository argocd", Class.REPLACE),
        ("repositories", "{apps: workloads}", "repository apps", Class.REPLACE),
    ],
)
def test_an_answer_is_told_by_what_it_takes_away(
    before: Plan, question: str, answer: str, name: str, severity: Class
) -> None:
    found = {effect.name: effect for effect in effects(before, plan(**{question: answer}))}
    assert found[name].severity is severity
    assert found[name].message


def test_what_changes_no_machine_has_no_effect(before: Plan) -> None:
    assert effects(before, plan(timezone="Europe/Madrid")) == ()
    assert effects(before, before) == ()


def test_the_other_profile_loses_the_machines_that_it_does_not_have(before: Plan) -> None:
    lost = {
        effect.name
        for effect in effects(before, plan(profile="single"))
        if effect.severity is Class.DESTROYS_DATA and "/" not in effect.name
    }
    assert lost == {node.name for node in before.nodes} - {"master1", "infra1"}


def lan(**changed: str) -> Plan:
    """A cluster in the LAN, whose machines may be on several hypervisors."""
    return load(ROOT / "examples/single.yaml", ROOT, changed).plan


def test_a_hypervisor_that_vanishes_from_the_answers_is_told_and_one_that_was_retired_is_not() -> None:
    two = "{kvm1: {}, kvm2: {uri: 'qemu+ssh://root@kvm2/system'%s}}"
    (effect,) = effects(lan(hosts=two % ""), lan(hosts="{kvm1: {}}"))
    assert (effect.name, effect.severity) == ("host kvm2", Class.DESTROYS_DATA)
    assert "hosts.kvm2.state: retired" in effect.message
    assert effects(lan(hosts=two % ", state: retired"), lan(hosts="{kvm1: {}}")) == ()


def test_a_machine_that_moves_waits_and_its_data_disk_stays_behind() -> None:
    hosts = "{kvm1: {}, kvm2: {uri: 'qemu+ssh://root@kvm2/system'}}"
    found = effects(lan(hosts=hosts), lan(hosts=hosts, nodes="[{name: master1, host: kvm2}]"))
    assert {effect.name: effect.severity for effect in found} == {
        "master1": Class.REPLACE,
        "master1/data": Class.REPLACE,
    }


def test_the_plan_of_a_version_without_images_is_read_and_says_nothing_of_them() -> None:
    after = lan()
    before = replace(after, nodes=tuple(replace(node, image="") for node in after.nodes))
    assert effects(before, after) == ()


def existing(**changed: str) -> Plan:
    """Two machines that are there already."""
    return load(ROOT / "examples/existing-machines.yaml", ROOT, changed).plan


def test_nothing_is_done_to_machines_that_are_there_already() -> None:
    rest = "{name: infra1, rename: attic-names, address: 192.168.0.20}"
    master = "{name: master1, rename: attic-kube, address: %s, os: linux, distribution: rocky}"
    moved = existing(nodes=f"[{rest}, {master % '192.168.0.22'}]")
    found = {effect.name: effect for effect in effects(existing(), moved)}
    assert found["attic-kube"].severity is Class.REPLACE
    assert "preflight.yml refuses the machine until it is so" in found["attic-kube"].message
    gone = effects(
        existing(nodes=f"[{rest}, {master % '192.168.0.21'}, {{name: db1, role: plain, address: 192.168.0.30}}]"),
        existing(),
    )
    assert [(effect.name, effect.severity) for effect in gone] == [("db1", Class.SAFE)]


def test_leaving_terraform_is_told_for_each_hypervisor() -> None:
    answers = {"hosts": "{kvm1: {}}", "edge": "192.168.0.0/24"}
    left = effects(lan(**answers), lan(edge="192.168.0.0/24", machines="existing", hosts="{}"))
    assert [(effect.name, effect.severity) for effect in left] == [("host kvm1", Class.DESTROYS_DATA)]
    assert "nothing of it is destroyed" in left[0].message


def test_going_to_terraform_makes_new_machines_and_destroys_none() -> None:
    answers = {"edge": "192.168.0.0/24", "hosts": "{}"}
    found = effects(lan(**answers, machines="existing"), lan(**answers))
    assert {(effect.name, effect.severity) for effect in found} == {
        ("infra1", Class.REPLACE),
        ("master1", Class.REPLACE),
    }
    assert all("makes a new machine" in effect.message for effect in found)
