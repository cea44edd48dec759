"""The way in by WireGuard: what is rendered where it is wanted, and that it opens no more than that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.template.argocd_tree import documents
from tests.template.infra_tree import Infra, files, render_infra

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

NETWORK = "10.99.0.0/24"


@pytest.fixture(scope="module")
def whole(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, "whole", tmp_path_factory.mktemp("answers"), "monorepo")


def test_off_means_no_file_and_nothing_that_is_passed_on(render: Render, tmp_path: Path) -> None:
    infra = render_infra(render, "ha", tmp_path, "monorepo")
    plan = infra.rendered_plan
    assert plan["vpn"] == {}
    assert [name for name, machine in plan["firewall"].items() if machine["forwards"]] == []
    assert "vpn_servers" not in infra.groups
    root = infra.root.parent
    assert [path for path in root.rglob("*") if "vpn" in path.name or "wireguard" in path.name] == []
    mentioned = {path.name for path in files(root) if "wireguard" in path.read_text().lower()}
    # A generator that a user's own catalogue may name.
    assert mentioned == {"README.md"}
    assert "wireguard" not in (infra.root / "README.md").read_text().lower()


def test_on_means_one_machine_whose_port_is_open_to_everybody(whole: Infra) -> None:
    plan = whole.rendered_plan
    assert whole.groups["vpn_servers"]["hosts"] == {"lb1": None}
    assert plan["vpn"] == {
        "machine": "lb1",
        "interface": "vpn0",
        "network": NETWORK,
        "address": "10.99.0.1",
        "prefix": 24,
        "port": 51820,
        # The name that follows the address of the connection.
        "endpoint": "home.example.com",
        "routes": [*(network.cidr for network in whole.plan.networks), NETWORK],
        "dns": [*whole.plan.dns, "home.example.com"],
        "peers": [
            {"name": "laptop", "address": "10.99.0.2", "secret": "peer-laptop"},
            {"name": "phone", "address": "10.99.0.3", "secret": "peer-phone"},
        ],
    }
    opened = {
        (name, rule["protocol"], rule["port"], *rule["sources"])
        for name, machine in plan["firewall"].items()
        for rule in machine["rules"]
        if rule["name"] == "vpn"
    }
    assert opened == {("lb1", "udp", 51820, "0.0.0.0/0")}


def test_the_hypervisor_lets_that_port_through(whole: Infra) -> None:
    (rules,) = (whole.root / "host").glob("*.nft")
    assert "    ip daddr 10.17.5.11 udp dport 51820 accept\n" in rules.read_text()


def test_peers_reach_what_machines_of_the_cluster_reach_and_nothing_else(whole: Infra, render: Render) -> None:
    plain = render({name: value for name, value in whole.answers.items() if name not in ("vpn", "ddns")}, "infra")
    before = json.loads((plain / "plan.json").read_text())["firewall"]
    for name, machine in whole.rendered_plan["firewall"].items():
        rules = [rule for rule in machine["rules"] if rule["name"] != "vpn"]
        if name != "lb1":
            assert machine == before[name]
            continue
        cluster = [network.cidr for network in whole.plan.networks]
        assert machine["forwards"] == [{"interface": "vpn0", "source": NETWORK, "destinations": cluster}]
        for was, rule in zip(before[name]["rules"], rules, strict=True):
            more = [NETWORK] if set(cluster) <= set(was["sources"]) else []
            assert rule == was | {"sources": was["sources"] + more}


def test_other_answers_reach_the_plan(render: Render, tmp_path: Path) -> None:
    plan = render_infra(render, "ha-with-overrides", tmp_path).rendered_plan
    said = [plan["vpn"][field] for field in ("machine", "endpoint", "address")]
    assert said == ["dns1", "192.0.2.4", "172.30.0.1"]
    assert plan["vpn"]["port"] == plan["ports"]["vpn"]["port"] == 4500
    assert plan["groups"]["vpn_servers"] == ["dns1"]
    (rule,) = (rule for rule in plan["firewall"]["dns1"]["rules"] if rule["name"] == "vpn")
    assert rule["port"] == 4500


def test_every_peer_has_a_key_that_the_vault_makes(whole: Infra) -> None:
    (catalogue,) = documents(whole.root.parent / "argocd/secrets/catalogue.yaml")
    (entry,) = (row for row in catalogue["machines"] if row["name"] == "vpn")
    made = {name: value["generator"] for name, value in entry["values"].items()}
    assert made == dict.fromkeys(("server", "peer-laptop", "peer-phone"), "wireguard-key")
    assert {peer["secret"] for peer in whole.rendered_plan["vpn"]["peers"]} == made.keys() - {"server"}


def test_the_key_is_in_a_file_of_roots_and_censored(whole: Infra) -> None:
    role = whole.ansible / "roles/wireguard"
    tasks = documents(role / "tasks/main.yml")[0]
    (writes,) = (task for task in tasks if "interface.conf.j2" in json.dumps(task))
    assert writes["no_log"] is True
    template = writes["ansible.builtin.template"]
    assert (template["owner"], template["mode"]) == ("root", "0600")
    private = [path.name for path in files(role) if "wireguard_private_key" in path.read_text()]
    assert sorted(private) == ["argument_specs.yml", "interface.conf.j2"]


def test_nothing_is_passed_on_before_the_firewall_decides(whole: Infra) -> None:
    tasks = [task["name"] for task in documents(whole.ansible / "roles/wireguard/tasks/main.yml")[0]]
    assert tasks.index("Refuse to pass on without it") < tasks.index("Let the kernel pass packets on")
    site = (whole.ansible / "playbooks/site.yml").read_text()
    assert site.index("import_playbook: firewall.yml") < site.index("import_playbook: vpn.yml")
