"""The Ansible half of the infra part: an inventory that says what the plan says, and playbooks that Ansible accepts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from generator.answers.load import load
from tests.conftest import require_tool
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from generator.answers.plan import Plan
    from tests.template.conftest import Render

GROUPS = {
    "loadbalancer": "loadbalancers",
    "infra": "infra",
    "master": "masters",
    "worker": "workers",
    "storage": "storage",
}
# Added to the lines of examples/<name>.yaml.
CLUSTERS = {
    "ha": "",
    "ha-with-overrides": """
dns_upstream: [192.0.2.53]
counts: {masters: 5, workers: 1, loadbalancers: 3}
sizes: {worker: {memory_mib: 16384, data_disk_gib: 0}}
networks: {cluster: {cidr: 172.20.0.0/22, gateway: 172.20.3.254}}
vips: {api: {address: 10.17.5.99, vrid: 7}}
nodes:
  - {name: worker1, mac: "52:54:00:10:20:30", cpus: 16}
  - {name: "0x10", role: worker, address: 172.20.1.50}
""",
    "single": "",
}
ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\d.])")


@dataclass(frozen=True)
class Infra:
    """The Ansible folder of a rendered infra repository, and the plan of its answers."""

    plan: Plan
    answers: dict[str, Any]
    ansible: Path

    @property
    def inventory(self) -> Path:
        return self.ansible / "inventories" / self.answers["name"]

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        (document,) = documents(self.inventory / "hosts.yml")
        return dict(document)

    def variables(self, group: str) -> dict[str, Any]:
        (document,) = documents(self.inventory / f"group_vars/{group}/main.yml")
        return dict(document)


@pytest.fixture(scope="module")
def infra_of(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Infra]:
    def run(name: str) -> Infra:
        example = (ROOT / f"examples/{name.split('-')[0]}.yaml").read_text()
        if "dns_upstream" in CLUSTERS[name]:
            example = re.sub(r"(?m)^dns_upstream:.*\n", "", example)
        path = tmp_path_factory.mktemp("answers") / "answers.yaml"
        path.write_text(example + CLUSTERS[name])
        loaded = load(path, ROOT)
        return Infra(loaded.plan, loaded.data, render(documents(path)[0], "infra") / "ansible")

    return run


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, infra_of: Callable[[str], Infra]) -> Infra:
    return infra_of(request.param)


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
    assert shared["cluster_ingress"] == {"host": plan.ingress.host, "address": plan.ingress.address}
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


# -- what answers may change, and what people may --------------------------------------------------------------------------


def test_answers_reach_the_inventory_and_the_settings_and_nothing_else(infra_of: Callable[[str], Infra]) -> None:
    ha, single = (
        {
            path.relative_to(infra.ansible).as_posix(): path.read_bytes()
            for path in files(infra.ansible)
            if "inventories" not in path.parts
        }
        for infra in (infra_of("ha"), infra_of("single"))
    )
    assert ha.keys() == single.keys()
    assert {name for name in ha if ha[name] != single[name]} == {"ansible.cfg"}
    assert (infra_of("ha").ansible / "ansible.cfg").read_text().count("home") == 1


def test_each_group_has_a_file_for_its_owner_that_sets_nothing(infra: Infra) -> None:
    owned = sorted(
        path.relative_to(infra.inventory / "group_vars").as_posix() for path in infra.inventory.rglob("user.yml")
    )
    populated = {GROUPS[node.role] for node in infra.plan.nodes}
    assert owned == sorted(f"{group}/user.yml" for group in {"all", "linux", "flatcar", *populated})
    for path in infra.inventory.rglob("user.yml"):
        assert documents(path) == []
        assert "o update of the template touches this file" in path.read_text()


# -- roles -----------------------------------------------------------------------------------------------------------------


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


def test_every_playbook_is_part_of_the_whole(infra: Infra) -> None:
    (site,) = documents(infra.ansible / "playbooks/site.yml")
    imported = [play["ansible.builtin.import_playbook"] for play in site]
    assert imported[0] == "preflight.yml"
    assert sorted(imported) == sorted(
        path.name for path in (infra.ansible / "playbooks").iterdir() if path.name != "site.yml"
    )


def test_host_keys_are_checked(infra: Infra) -> None:
    settings = (infra.ansible / "ansible.cfg").read_text()
    assert "StrictHostKeyChecking=accept-new" in settings
    assert not re.search(r"(?i)host_key_checking|StrictHostKeyChecking=(no|off)|UserKnownHostsFile=/dev/null", settings)


# -- the real programs -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    home = tmp_path_factory.mktemp("home")

    def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = require_tool(program)
        environment = {
            "PATH": f"{path.resolve().parent}{os.pathsep}{path.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            [path, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


Ansible = "Callable[..., subprocess.CompletedProcess[str]]"


@pytest.mark.tools
def test_ansible_reads_the_inventory_as_the_plan_has_it(infra: Infra, ansible: Ansible) -> None:
    result = ansible(infra.ansible, "ansible-inventory", "--list")
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr
    read = json.loads(result.stdout)
    hosts = read["_meta"]["hostvars"]
    assert {name: values["ansible_host"] for name, values in hosts.items()} == {
        node.name: node.address for node in infra.plan.nodes
    }
    for node in infra.plan.nodes:
        assert hosts[node.name]["node_mac"] == node.mac
        assert hosts[node.name]["node_distribution"] == {"linux": "Debian", "flatcar": "Flatcar"}[node.os]


@pytest.mark.tools
def test_what_a_user_sets_wins(infra_of: Callable[[str], Infra], ansible: Ansible, tmp_path: Path) -> None:
    source = infra_of("ha")
    folder = tmp_path / "ansible"
    for path in files(source.ansible):
        target = folder / path.relative_to(source.ansible)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    variables = folder / "inventories/home/group_vars"
    (variables / "all/user.yml").write_text("cluster_timezone: Europe/Lisbon\nmine: all\n")
    (variables / "masters/user.yml").write_text("mine: masters\n")
    result = ansible(folder, "ansible-inventory", "--list")
    hosts = json.loads(result.stdout)["_meta"]["hostvars"]
    assert hosts["lb1"]["cluster_timezone"] == "Europe/Lisbon"
    assert (hosts["lb1"]["mine"], hosts["master1"]["mine"]) == ("all", "masters")


@pytest.mark.tools
def test_ansible_accepts_the_playbooks(infra: Infra, ansible: Ansible) -> None:
    result = ansible(infra.ansible, "ansible-playbook", "--syntax-check", "playbooks/site.yml")
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr


@pytest.mark.tools
def test_ansible_lint_finds_nothing_in_its_strictest_profile(
    infra_of: Callable[[str], Infra], ansible: Ansible
) -> None:
    folder = infra_of("ha").ansible
    assert "profile: production" in (folder / ".ansible-lint").read_text()
    result = ansible(folder, "ansible-lint", "--nocolor")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Profile 'production' was required, and it passed" in result.stderr


def planned_as_found(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the role preflight that describe the machine with these facts."""
    interface = facts["default_ipv4"]
    return {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "preflight_distribution": facts["distribution"],
        "preflight_hostname": facts["hostname"],
        "preflight_address": f"{interface.get('address', 'none')}/{interface.get('prefix', '')}",
        "preflight_mac": interface.get("macaddress", ""),
        "preflight_gateway": interface.get("gateway", ""),
        "preflight_resolvers": facts["dns"]["nameservers"],
        "preflight_cpus": facts["processor_vcpus"],
        "preflight_memory_mib": facts["memtotal_mb"],
        "preflight_disks_gib": [0, 0],
    }


@pytest.mark.tools
def test_preflight_names_every_difference_of_a_machine_and_passes_one_that_has_none(
    infra_of: Callable[[str], Infra], ansible: Ansible, tmp_path: Path
) -> None:
    folder = infra_of("ha").ansible
    result = ansible(
        folder, "ansible", "localhost", "--connection", "local", "-e", f"ansible_python_interpreter={sys.executable}",
        "--module-name", "ansible.builtin.setup", "--tree", str(tmp_path),
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    facts = {
        name.removeprefix("ansible_"): value
        for name, value in json.loads((tmp_path / "localhost").read_text())["ansible_facts"].items()
    }

    def preflight(changes: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        variables = json.dumps(planned_as_found(facts) | changes)
        return ansible(folder, "ansible-playbook", "playbooks/preflight.yml", "--limit", "lb1", "-e", variables)

    passed = preflight({})
    assert passed.returncode == 0, passed.stdout
    assert "changed=0" in passed.stdout

    failed = preflight(
        {
            "preflight_distribution": "Flatcar",
            "preflight_hostname": "lb1",
            "preflight_address": "10.17.5.11/24",
            "preflight_mac": "52:54:00:11:05:0b",
            "preflight_gateway": "10.17.5.1",
            "preflight_resolvers": ["192.0.2.1"],
            "preflight_cpus": 4096,
            "preflight_memory_mib": 1 << 30,
            "preflight_disks_gib": [1 << 20, 0],
        }
    )
    assert failed.returncode == 2
    named = ["distribution", "host name", "address", "MAC", "default gateway", "processors", "memory", "disks"]
    for what in [*named, "DNS servers"]:
        assert f"{what}: found " in failed.stdout + failed.stderr

    absent = preflight({"preflight_interpreter": "/nonexistent/python3"})
    assert absent.returncode == 2
    assert "/nonexistent/python3 is missing" in absent.stdout + absent.stderr


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
