"""The Ansible half of the infra part: an inventory that says what the plan says, roles that get what they ask for."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import documents
from tests.template.infra_tree import CLUSTERS, GROUPS, Infra, files, render_infra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.template.conftest import Render

ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\d.])")


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, request.param, tmp_path_factory.mktemp("answers"))


# -- the inventory -----------------------------------------------------------------------------------------------------


def test_each_machine_of_the_plan_stands_once_in_the_group_of_its_role(infra: Infra) -> None:
    hosts = [
        (name, group, variables)
        for group in GROUPS.values()
        for name, variables in (infra.groups[group].get("hosts") or {}).items()
    ]
    assert hosts == [
        (
            node.name,
            GROUPS[node.role],
            {
                "ansible_host": node.address,
                "node_fqdn": node.fqdn,
                "node_network": node.network,
                "node_mac": node.mac,
                "node_cpus": node.cpus,
                "node_memory_mib": node.memory_mib,
                "node_disk_gib": node.disk_gib,
                "node_data_disk_gib": node.data_disk_gib,
            },
        )
        for group in GROUPS.values()
        for node in infra.plan.nodes
        if GROUPS[node.role] == group
    ]


def test_each_machine_belongs_to_the_group_of_its_system(infra: Infra) -> None:
    assert set(infra.groups) == {*GROUPS.values(), "linux", "flatcar"}
    for system in ("linux", "flatcar"):
        assert set(infra.groups[system]["children"]) == {
            GROUPS[node.role] for node in infra.plan.nodes if node.os == system
        }


def test_the_variables_that_all_machines_share_are_those_of_the_plan(infra: Infra) -> None:
    plan, shared = infra.plan, infra.variables("all")
    assert shared["cluster_name"] == infra.answers["name"]
    assert shared["cluster_domain"] == infra.answers["domain"]
    assert shared["cluster_timezone"] == infra.answers["timezone"]
    assert shared["cluster_dns_servers"] == list(plan.dns)
    assert shared["cluster_dns_upstream"] == infra.answers["dns_upstream"]
    assert shared["cluster_ntp_servers"] == list(plan.ntp)
    assert shared["cluster_api"] == {"host": plan.api.host, "address": plan.api.address}
    assert shared["cluster_ingress"] == {"address": plan.ingress}
    assert shared["cluster_vips"] == [vars(vip) for vip in plan.vips]
    assert shared["cluster_networks"] == {
        network.key: {
            "name": network.name,
            "cidr": network.cidr,
            "prefix": network.prefix,
            "gateway": network.gateway,
        }
        for network in plan.networks
    }
    for node in plan.nodes:
        assert IPv4Address(node.address) in IPv4Network(shared["cluster_networks"][node.network]["cidr"])


def test_the_inventory_holds_no_address_of_its_own(infra: Infra) -> None:
    plan = infra.plan
    known = {
        *(node.address for node in plan.nodes),
        *(vip.address for vip in plan.vips),
        *(text for network in plan.networks for text in (network.cidr, network.gateway)),
        *infra.answers["dns_upstream"],
    }
    found = {text for path in files(infra.inventory) for text in ADDRESS.findall(path.read_text())}
    assert found <= known
    assert {node.address for node in plan.nodes} <= found


def test_the_user_of_each_system_is_the_one_that_its_first_boot_makes(infra: Infra) -> None:
    terraform = infra.ansible.parent / "terraform"
    for system, source in (("linux", "cloud-init/user-data.yaml.tftpl"), ("flatcar", "butane/node.yaml.tftpl")):
        user = infra.variables(system)["ansible_user"]
        assert re.search(rf"users:\n +- name: {user}\n", (terraform / source).read_text()), system


# -- what answers may change, and what people may ----------------------------------------------------------------------


def test_answers_reach_the_inventory_and_the_settings_and_nothing_else(render: Render, tmp_path: Path) -> None:
    clusters = [render_infra(render, name, tmp_path) for name in ("ha", "single")]
    ha, single = (
        {
            path.relative_to(infra.ansible).as_posix(): path.read_bytes()
            for path in files(infra.ansible)
            if "inventories" not in path.parts
        }
        for infra in clusters
    )
    assert ha.keys() == single.keys()
    assert {name for name in ha if ha[name] != single[name]} == {"ansible.cfg"}
    assert (clusters[0].ansible / "ansible.cfg").read_text().count("home") == 1


def test_each_group_has_a_file_for_its_owner_that_sets_nothing(infra: Infra) -> None:
    owned = sorted(infra.inventory.glob("group_vars/*/user.yml"))
    groups = GROUPS.values() if infra.answers["profile"] == "ha" else ("infra", "masters")
    assert [path.parent.name for path in owned] == sorted({"all", "linux", "flatcar", *groups})
    for path in owned:
        assert documents(path) == []
        assert "o update of the template touches this file" in path.read_text()


# -- roles -------------------------------------------------------------------------------------------------------------


def used_roles(ansible: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for playbook in sorted(ansible.glob("playbooks/*.yml")):
        for play in documents(playbook)[0]:
            for role in play.get("roles", []):
                yield role["role"], role.get("vars", {})


def test_a_role_gets_what_its_specification_asks_for(infra: Infra) -> None:
    used = dict(used_roles(infra.ansible))
    assert set(used) == {path.name for path in (infra.ansible / "roles").iterdir()}
    for role, given in used.items():
        (specification,) = documents(infra.ansible / f"roles/{role}/meta/argument_specs.yml")
        options = specification["argument_specs"]["main"]["options"]
        required = {name for name, option in options.items() if option.get("required")}
        assert required <= set(given) <= set(options)
        defaults = infra.ansible / f"roles/{role}/defaults/main.yml"
        declared = {name: option["default"] for name, option in options.items() if "default" in option}
        assert declared == (dict(documents(defaults)[0]) if defaults.exists() else {})


def test_every_playbook_for_machines_is_part_of_the_whole(infra: Infra) -> None:
    (site,) = documents(infra.ansible / "playbooks/site.yml")
    imported = [play["ansible.builtin.import_playbook"] for play in site]
    assert imported[0] == "preflight.yml"
    playbooks = {path.name: documents(path)[0] for path in (infra.ansible / "playbooks").iterdir()}
    for_machines = {name for name, plays in playbooks.items() if any(play.get("hosts") == "all" for play in plays)}
    assert sorted(imported) == sorted(for_machines)
    assert set(playbooks) == {*for_machines, "site.yml", "gitops.yml"}


def test_host_keys_are_checked(infra: Infra) -> None:
    settings = (infra.ansible / "ansible.cfg").read_text()
    assert "StrictHostKeyChecking=accept-new" in settings
    assert not re.search(r"(?i)host_key_checking|StrictHostKeyChecking=(no|off)|UserKnownHostsFile=/dev/null", settings)
