"""The address plan: what the two profiles get by default, and how answers move it."""

from __future__ import annotations

from pathlib import Path

from generator.answers.load import load
from generator.answers.plan import Node, Plan, Vip
from generator.answers.questionnaire import Questionnaire
from generator.answers.rules import judge

from .conftest import ROOT, Write

VALID = Path(__file__).parent / "valid"


def plan_of(path: Path) -> Plan:
    return load(path, ROOT).plan


def addresses(plan: Plan) -> dict[str, str]:
    return {node.name: node.address for node in plan.nodes}


def node(plan: Plan, name: str) -> Node:
    return next(node for node in plan.nodes if node.name == name)


def test_highly_available_cluster() -> None:
    plan = plan_of(VALID / "minimal.yaml")
    assert addresses(plan) == {
        "lb1": "10.17.5.11",
        "lb2": "10.17.5.12",
        "infra1": "10.17.3.11",
        "master1": "10.17.4.21",
        "master2": "10.17.4.22",
        "master3": "10.17.4.23",
        "worker1": "10.17.4.31",
        "worker2": "10.17.4.32",
        "worker3": "10.17.4.33",
        "storage1": "10.17.4.41",
    }
    assert [(network.name, network.cidr, network.gateway) for network in plan.networks] == [
        ("nat_network_01", "10.17.5.0/24", "10.17.5.1"),
        ("nat_network_02", "10.17.3.0/24", "10.17.3.1"),
        ("nat_network_03", "10.17.4.0/24", "10.17.4.1"),
    ]
    assert plan.vips == (Vip("api", "10.17.5.10", 10, "edge"), Vip("ingress", "10.17.5.30", 30, "edge"))
    assert (plan.api.host, plan.api.address) == ("api.lab.home.arpa", "10.17.5.10")
    assert (plan.ingress.host, plan.ingress.address) == ("*.lab.home.arpa", "10.17.5.30")
    assert plan.dns == plan.ntp == ("10.17.3.11",)
    assert node(plan, "worker1").mac == "52:54:00:11:04:1f"
    assert node(plan, "worker1").fqdn == "worker1.lab.home.arpa"


def test_single_server_without_load_balancers() -> None:
    plan = plan_of(VALID / "single-minimal.yaml")
    assert addresses(plan) == {"infra1": "10.17.5.11", "master1": "10.17.5.21"}
    assert plan.vips == ()
    assert plan.api.address == plan.ingress.address == "10.17.5.21"
    assert [network.mode for network in plan.networks] == ["nat"]


def test_lan_is_joined_by_a_bridge() -> None:
    plan = plan_of(VALID / "ha-on-a-lan.yaml")
    edge = plan.networks[0]
    assert (edge.name, edge.mode, edge.bridge, edge.cidr) == ("br0", "bridge", "br0", "192.168.0.0/24")
    assert (edge.dhcp_start, edge.dhcp_end) == ("192.168.0.100", "192.168.0.199")
    assert plan.api.address == "192.168.0.10"


def test_answers_move_what_they_name_and_all_that_follows() -> None:
    plan = plan_of(VALID / "moved-networks.yaml")
    assert node(plan, "lb1").address == "172.20.1.11"
    assert node(plan, "storage1").address == "172.21.0.41"
    assert plan.vips == (Vip("api", "172.20.1.5", 51, "edge"), Vip("ingress", "172.20.1.6", 6, "edge"))
    assert plan.networks[0].gateway == "172.20.1.126"
    assert plan.networks[2].broadcast == "172.21.255.255"
    assert plan.k3s.version == "v1.35.2+k3s1"


def test_machines_differ_where_they_are_named() -> None:
    plan = plan_of(VALID / "further-machines.yaml")
    worker1, gpu = node(plan, "worker1"), node(plan, "gpu")
    assert (worker1.cpus, worker1.address, worker1.mac) == (8, "10.17.4.60", "52:54:00:ab:cd:ef")
    assert (gpu.role, gpu.os, gpu.network, gpu.data_disk_gib) == ("worker", "flatcar", "cluster", 500)
    assert plan.dns == ("10.17.3.11", "10.17.3.12")


def test_repositories_of_parts_and_of_a_monorepo() -> None:
    parts = plan_of(VALID / "minimal.yaml").repositories
    assert {part: (repository.url, repository.path) for part, repository in parts.items()} == {
        part: (f"https://git.lab.home.arpa/lab/{part}.git", "") for part in ("infra", "argocd", "apps")
    }
    whole = plan_of(VALID / "monorepo-over-ssh.yaml").repositories
    assert {part: (repository.url, repository.path) for part, repository in whole.items()} == {
        part: ("git@git.example.com:team/sub/cluster.git", f"{part}/") for part in ("infra", "argocd", "apps")
    }


def test_plan_can_be_read_again_from_the_answers(write: Write, questionnaire: Questionnaire) -> None:
    loaded = load(write("counts: {workers: 5}\n"), ROOT)
    assert judge(questionnaire, loaded.data).plan == loaded.plan
