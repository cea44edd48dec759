"""The Ansible half of the infra part: an inventory that says what the plan says, roles that get what they ask for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import documents
from tests.template.infra_tree import CLUSTERS, Infra, files, render_infra

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

BY_HAND = {
    *("admin.yml", "gitops.yml", "hypervisor.yml"),
    *("backup.yml", "remove-node.yml", "renew-certs.yml", "reset.yml", "restore.yml", "rotate-token.yml"),
    *("upgrade.yml", "verify.yml"),
}
"""The playbooks that a person starts on purpose."""
ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\d.])")


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, request.param, tmp_path_factory.mktemp("answers"))


# -- the inventory -----------------------------------------------------------------------------------------------------


def test_each_machine_of_the_plan_stands_once_with_its_address(infra: Infra) -> None:
    hosts = dict(infra.groups["all"]["hosts"])
    assert hosts == {node.name: {"ansible_host": node.address} for node in infra.plan.nodes}


def test_each_machine_belongs_to_its_system_its_role_and_what_it_does(infra: Infra) -> None:
    groups = {name: sorted(group["hosts"] or {}) for name, group in infra.groups.items() if name != "all"}
    for name, members in groups.items():
        assert members == sorted(node.name for node in infra.plan.nodes if name in (*node.groups, node.os)), name
    assert {group for node in infra.plan.nodes for group in (*node.groups, node.os)} <= set(groups)


def test_every_group_of_a_role_is_there_even_where_it_is_empty(infra: Infra) -> None:
    """A playbook for a group that no inventory has is a warning of Ansible's, and does nothing."""
    assert {"linux", "flatcar", "loadbalancers", "masters", "workers", "storage", "dns_servers"} <= set(infra.groups)


def test_the_inputs_of_roles_come_from_the_one_plan(infra: Infra) -> None:
    settings = (infra.ansible / "ansible.cfg").read_text()
    assert "vars_plugins = plugins/vars\nvars_plugins_enabled = plan, host_group_vars\n" in settings
    assert (infra.inventory / "../../plan.json").resolve() == (infra.root / "plan.json").resolve()
    copies = [path for path in files(infra.inventory) if '"nodes"' in path.read_text()]
    assert copies == []


def test_the_inventory_holds_no_address_but_those_of_machines(infra: Infra) -> None:
    found = {text for path in files(infra.inventory) for text in ADDRESS.findall(path.read_text())}
    assert found == {node.address for node in infra.plan.nodes}


def test_the_user_of_each_system_is_the_one_that_its_first_boot_makes(infra: Infra) -> None:
    terraform = infra.ansible.parent / "terraform"
    for system, source in (("linux", "cloud-init/user-data.yaml.tftpl"), ("flatcar", "butane/node.yaml.tftpl")):
        user = infra.variables(system)["ansible_user"]
        assert re.search(rf"users:\n +- name: {user}\n", (terraform / source).read_text()), system


# -- what answers may change, and what people may ----------------------------------------------------------------------


def test_answers_reach_the_list_of_machines_and_nothing_else(render: Render, tmp_path: Path) -> None:
    ha, single = (
        {
            path.relative_to(cluster.ansible).as_posix(): path.read_bytes()
            for path in files(cluster.ansible)
            if path.name != "user.yml"
        }
        for cluster in (render_infra(render, name, tmp_path) for name in ("ha", "single"))
    )
    assert ha.keys() == single.keys()
    assert {name for name in ha if ha[name] != single[name]} == {"inventory/hosts.yml"}


def test_each_group_has_a_file_for_its_owner_that_sets_nothing(infra: Infra) -> None:
    owned = sorted(infra.inventory.glob("group_vars/*/user.yml"))
    present = {group for node in infra.plan.nodes for group in (*node.groups, node.os)} | {"all", "linux", "flatcar"}
    assert present <= {path.parent.name for path in owned}
    for path in owned:
        assert documents(path) == []
        assert "o update of the template touches this file" in path.read_text()


# -- roles -------------------------------------------------------------------------------------------------------------


def plays(ansible: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the plays of each playbook."""
    return {path.name: documents(path)[0] for path in sorted((ansible / "playbooks").iterdir())}


def test_playbooks_list_bare_roles(infra: Infra) -> None:
    """faults C11: the variables of a role in a playbook win over everything that a person writes into user.yml."""
    used = [role for found in plays(infra.ansible).values() for play in found for role in play.get("roles", [])]
    assert all(set(role) == {"role"} for role in used)
    there = {path.name for path in (infra.ansible / "roles").iterdir()}
    assert {role["role"] for role in used} | {name for role in there for name in included(infra, role)} == there


def included(infra: Infra, role: str) -> set[str]:
    """Return the roles that a role includes; it gives them their inputs itself."""
    found: set[str] = set()
    for path in (infra.ansible / "roles" / role / "tasks").iterdir():
        for task in documents(path)[0]:
            name = task.get("ansible.builtin.include_role", {}).get("name")
            found |= {name.replace("{{ k3s_node_kind }}", kind) for kind in ("server", "agent")} if name else set()
    return found


def test_a_role_gets_what_its_specification_asks_for(infra: Infra) -> None:
    ours = [path for path in infra.inventory.glob("group_vars/*/*.yml") if path.name != "user.yml"]
    given = {name for path in ours for name in documents(path)[0]}
    roles = sorted((role.name for role in (infra.ansible / "roles").iterdir()), key=len, reverse=True)
    # An input belongs to the role with the longest name that it begins with.
    owners = {name: next((role for role in roles if name.startswith(f"{role}_")), "") for name in given}
    inner = {name for role in roles for name in included(infra, role)}
    for role in (infra.ansible / "roles").iterdir():
        (specification,) = documents(role / "meta/argument_specs.yml")
        options = specification["argument_specs"]["main"]["options"]
        required = {name for name, option in options.items() if option.get("required")}
        assert required <= given or role.name in inner
        assert {name for name, owner in owners.items() if owner == role.name} <= set(options)
        defaults = role / "defaults/main.yml"
        declared = {name: option["default"] for name, option in options.items() if "default" in option}
        assert declared == (dict(documents(defaults)[0]) if defaults.exists() else {})


def test_every_playbook_for_machines_is_part_of_the_whole_and_the_persons_comes_last(infra: Infra) -> None:
    playbooks = plays(infra.ansible)
    imported = [play["ansible.builtin.import_playbook"] for play in playbooks.pop("site.yml")]
    assert (imported[0], imported[-1]) == ("connection.yml", "user.yml")
    assert sorted(imported) == sorted(playbooks.keys() - BY_HAND)
    (own,) = playbooks["user.yml"]
    assert own["tasks"] == []


def test_host_keys_are_checked(infra: Infra) -> None:
    settings = (infra.ansible / "ansible.cfg").read_text()
    assert "StrictHostKeyChecking=accept-new" in settings
    assert not re.search(r"(?i)host_key_checking|StrictHostKeyChecking=(no|off)|UserKnownHostsFile=/dev/null", settings)
