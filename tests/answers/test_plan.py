"""The address plan: what the two profiles get by default, and how answers move it."""

from __future__ import annotations

import hashlib
import re
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
        "infra2": "10.17.3.12",
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
    assert plan.ingress == "10.17.5.30"
    assert plan.dns == plan.ntp == ("10.17.3.11", "10.17.3.12")
    worker = node(plan, "worker1")
    assert (worker.fqdn, worker.libvirt_name) == ("worker1.lab.home.arpa", "lab-worker1")
    assert worker.mac == "52:54:" + ":".join(re.findall("..", hashlib.sha256(b"lab/worker1").hexdigest()[:8]))


def test_single_server_without_load_balancers() -> None:
    plan = plan_of(VALID / "single-minimal.yaml")
    assert addresses(plan) == {"infra1": "10.17.5.11", "master1": "10.17.5.21"}
    assert plan.vips == ()
    assert plan.api.address == plan.ingress == "10.17.5.21"
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


def test_a_role_has_more_machines_than_its_first_ten_addresses() -> None:
    """faults B6: an eleventh worker met the storage machine."""
    plan = plan_of(VALID / "more-than-ten-of-each.yaml")
    given = addresses(plan)
    assert [given[f"worker{number}"] for number in (10, 11, 100)] == ["10.17.4.40", "10.17.4.51", "10.17.4.140"]
    assert [given[f"storage{number}"] for number in (1, 11)] == ["10.17.4.41", "10.17.4.141"]
    assert len(set(given.values())) == len(given)


def test_a_further_machine_moves_nobody(write: Write) -> None:
    few, many = (addresses(plan_of(write(f"counts: {{workers: {count}}}\n"))) for count in (3, 60))
    assert few.items() <= many.items()


def test_two_clusters_on_one_hypervisor_share_nothing(write: Write) -> None:
    """faults B7: names that begin alike gave the same networks, machines, MACs and bridges."""
    one, other = (plan_of(write(f"name: {name}\n")) for name in ("production-eu", "production-us"))
    for kind, fields in (("nodes", ("libvirt_name", "mac", "fqdn")), ("networks", ("libvirt_name", "bridge"))):
        for field in fields:
            here, there = ({getattr(item, field) for item in getattr(plan, kind)} for plan in (one, other))
            assert len(here) == len(there) == len(getattr(one, kind))
            assert not here & there, field
    assert all(len(network.bridge) <= 15 for network in one.networks)
    assert [node.name for node in one.nodes] == [node.name for node in other.nodes]


def test_the_mac_stays_when_the_address_moves(write: Write) -> None:
    here, there = (
        node(plan_of(write(f"nodes: [{{name: worker1, address: {address}}}]\n")), "worker1")
        for address in ("10.17.4.60", "10.17.4.61")
    )
    assert here.address != there.address
    assert here.mac == there.mac


def test_machines_can_be_of_no_role_and_have_names_of_their_own() -> None:
    """faults E20: a machine beside the cluster had no role, and infra1 could not be renamed."""
    plan = plan_of(VALID / "plain-and-renamed-machines.yaml")
    dns = node(plan, "dns1")
    assert (dns.role, dns.address, dns.fqdn, dns.memory_mib) == ("infra", "10.17.3.11", "dns1.lab.home.arpa", 2048)
    assert plan.dns == (dns.address, "10.17.3.12")
    assert "infra1" not in addresses(plan)
    database, runner = node(plan, "postgresql1"), node(plan, "runner1")
    assert (database.groups, database.os, database.network) == (("databases",), "linux", "infra")
    assert (runner.groups, runner.os, runner.network) == (("plain",), "flatcar", "cluster")


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
