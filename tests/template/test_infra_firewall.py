"""Who may reach which port of a machine: the plan's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.template.infra_tree import CLUSTERS, Infra, render_infra

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

EVERYBODY = ["0.0.0.0/0"]


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, request.param, tmp_path_factory.mktemp("answers"))


def rules(infra: Infra, machine: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rules of a machine by name and protocol."""
    return {(rule["name"], rule["protocol"]): rule for rule in infra.rendered_plan["firewall"][machine]["rules"]}


def test_every_machine_but_those_of_kubernetes_is_closed(infra: Infra) -> None:
    firewall = infra.rendered_plan["firewall"]
    assert list(firewall) == [node.name for node in infra.plan.nodes]
    for node in infra.plan.nodes:
        assert firewall[node.name]["deny"] is not bool({"k3s_servers", "k3s_agents"} & set(node.groups)), node.name


def test_a_closed_machine_answers_ssh_from_the_networks_of_the_plan(infra: Infra) -> None:
    networks = [network.cidr for network in infra.plan.networks]
    for node in infra.plan.nodes:
        if infra.rendered_plan["firewall"][node.name]["deny"]:
            tunnel = [infra.rendered_plan["vpn"]["network"]] if "vpn_servers" in node.groups else []
            assert rules(infra, node.name)["ssh", "tcp"]["sources"] == networks + tunnel


def test_what_a_machine_offers_to_everybody_is_what_the_plan_says_of_it(infra: Infra) -> None:
    """The hypervisor lets these pass (`outside`), so the machine behind it does, too."""
    for endpoint in infra.rendered_plan["endpoints"]:
        balanced = endpoint["backends"]
        for node in infra.plan.nodes:
            answers = "loadbalancers" in node.groups if balanced else node.address == endpoint["address"]
            if answers and infra.rendered_plan["firewall"][node.name]["deny"]:
                rule = rules(infra, node.name)[endpoint["name"], endpoint["protocol"]]
                assert rule["port"] == endpoint["port"]
                assert (rule["sources"] == EVERYBODY) is endpoint["outside"], endpoint["name"]


def test_etcds_health_is_for_the_load_balancers_and_for_what_runs_beside_the_workloads(infra: Infra) -> None:
    balancers = [node.address for node in infra.plan.nodes if "loadbalancers" in node.groups]
    workloads = [node.address for node in infra.plan.nodes if node.name in infra.rendered_plan["ingress"]["nodes"]]
    for node in infra.plan.nodes:
        if "k3s_servers" in node.groups:
            (rule,) = infra.rendered_plan["firewall"][node.name]["rules"]
            assert (rule["name"], rule["port"]) == ("etcd_metrics", 2381)
            assert rule["sources"] == [*balancers, *workloads, infra.plan.k3s.pod_cidr]
        elif "k3s_agents" in node.groups:
            assert infra.rendered_plan["firewall"][node.name]["rules"] == []


def test_load_balancers_hear_each_other_and_keep_their_state_to_themselves(infra: Infra) -> None:
    balancers = [node for node in infra.plan.nodes if "loadbalancers" in node.groups]
    for node in balancers:
        found = rules(infra, node.name)
        assert found["vrrp", "vrrp"]["sources"] == [other.address for other in balancers]
        assert "haproxy" not in {name for name, _ in found}


def test_networks_of_people_reach_ssh_and_nothing_else(render: Render, tmp_path: Path) -> None:
    ha = render_infra(render, "ha", tmp_path)
    root = render(dict(ha.answers) | {"admin_networks": ["192.168.7.0/24"]}, "infra")
    opened = Infra(ha.plan, ha.answers, root).rendered_plan["firewall"]
    for name, machine in ha.rendered_plan["firewall"].items():
        for before, after in zip(machine["rules"], opened[name]["rules"], strict=True):
            more = ["192.168.7.0/24"] if before["name"] == "ssh" else []
            assert after == before | {"sources": before["sources"] + more}


def test_a_group_that_a_person_calls_like_a_word_of_the_table_opens_nothing(render: Render, tmp_path: Path) -> None:
    ha = render_infra(render, "ha", tmp_path)
    machine = {"name": "jump1", "role": "plain", "group": "admin", "address": "10.17.4.150"}
    root = render(dict(ha.answers) | {"nodes": [machine]}, "infra")
    plan = Infra(ha.plan, ha.answers, root).rendered_plan
    assert "jump1" in plan["groups"]["admin"]
    assert "10.17.4.150" not in str(plan["firewall"]["infra1"])
