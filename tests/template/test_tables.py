"""Facts stand in tables of `lib/`, and templates outside of it only say them."""

from __future__ import annotations

import json
import re
import shutil
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

import pytest
from plumbum import local

from generator.answers.load import load
from generator.answers.questionnaire import Questionnaire
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_tree import files

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = ROOT / "templates"
QUESTIONS = Questionnaire.load(ROOT)


def table(module: str, name: str) -> dict[str, dict[str, Any]]:
    """Return a table of lib/."""
    source = f"#% from 'lib/{module}.jinja' import {name} %##{{ {name} | tojson }}#"
    return dict(json.loads(QUESTIONS.render(source, {})))


ROLES = table("roles", "roles")
PORTS = table("ports", "ports")
PROFILES = {profile for row in ROLES.values() for profile in row["network"]}

# -- the tables themselves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_all_columns_and_a_default_that_its_software_can_live_with(role: str) -> None:
    row = ROLES[role]
    columns = {"stem", "groups", "os", "network", "count_key", "count", "least", "blocks", "size", "floor"}
    assert columns <= set(row) <= columns | {"size_in", "free"}
    assert row["os"] in ("linux", "flatcar")
    assert set(row["network"].values()) <= set(table("networks", "network_table"))
    assert set(row["count"]) == (set(row["network"]) if row["count_key"] else set())
    for size in (row["size"], *row.get("size_in", {}).values()):
        assert set(size) == set(row["floor"])
        assert all(size[field] >= row["floor"][field] for field in size)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_roles_of_one_network_share_no_address(profile: str) -> None:
    """faults B6: an eleventh worker had the address of the storage machine."""
    taken: dict[tuple[str, int], str] = {("edge", 10): "api", ("edge", 30): "ingress"} if profile == "ha" else {}
    for role, row in ROLES.items():
        for first, room in row["blocks"] if profile in row["network"] else ():
            for offset in range(first, first + room):
                assert taken.setdefault((row["network"][profile], offset), role) == role
    # 0 is the network, 1 usually the gateway.
    assert min(offset for _, offset in taken) > 1


def test_groups_and_counts_belong_to_one_role_each() -> None:
    for kind in ("stem", "count_key"):
        named = [row[kind] for row in ROLES.values() if row[kind]]
        assert len(set(named)) == len(named)
    own = [row["groups"][0] for row in ROLES.values()]
    assert len(set(own)) == len(own)


def test_no_machine_listens_twice_on_a_port() -> None:
    seen: dict[tuple[str, int, str], str] = {}
    for name, row in PORTS.items():
        for group in row["groups"]:
            for protocol in row["protocols"]:
                assert seen.setdefault((group, row["port"], protocol), name) == name


def test_the_ports_of_the_ingress_are_node_ports() -> None:
    """Kubernetes gives Services of the type NodePort no others, unless the API server is told otherwise."""
    ingress = {name: row["port"] for name, row in PORTS.items() if name.startswith("ingress_")}
    assert len(ingress) == 2
    assert all(30000 <= port <= 32767 for port in ingress.values())


def test_every_port_is_listened_on_by_a_group_that_there_is() -> None:
    groups = {group for row in ROLES.values() for group in row["groups"]} | {"linux", "flatcar", "vpn_servers"}
    for name, row in PORTS.items():
        assert set(row["groups"]) <= groups, name
        assert set(row["from"]) <= groups | {"any", "cluster", "admin", "pods", "kubernetes"}, name
        if row["protocols"] == ["vrrp"]:
            assert row["port"] == 0, name
        else:
            assert set(row["protocols"]) <= {"tcp", "udp"}, name
            assert 0 < row["port"] < 65536, name


# -- who reads them ----------------------------------------------------------------------------------------------------

ROW = """
  'cache': {
    'stem': 'cache', 'groups': ['caches'], 'os': 'linux', 'network': {'ha': 'cluster', 'single': 'edge'},
    'count_key': 'caches', 'count': {'ha': 2, 'single': 1}, 'least': 1, 'blocks': [[231, 10]],
    'size': {'cpus': 1, 'memory_mib': 1024, 'disk_gib': 10, 'data_disk_gib': 5},
    'floor': {'cpus': 1, 'memory_mib': 512, 'disk_gib': 8, 'data_disk_gib': 0},
  },
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with one more row in the table of roles, and nothing else."""
    root = tmp_path_factory.mktemp("template")
    shutil.copy(ROOT / "copier.yml", root)
    for folder in ("lib", "templates"):
        shutil.copytree(ROOT / folder, root / folder)
    roles = root / "lib/roles.jinja"
    text = roles.read_text()
    roles.write_text(text.replace("#% set roles = {\n", "#% set roles = {" + ROW, 1))
    assert roles.read_text() != text
    return root


@pytest.mark.parametrize("example", ["ha", "single"])
def test_a_further_role_is_one_row(extended: Path, tmp_path: Path, example: str) -> None:
    import copier

    (given,) = documents(ROOT / f"examples/{example}.yaml")
    answers = dict(given) | {"counts": {"caches": 3}, "sizes": {"cache": {"memory_mib": 2048}}}
    answers |= {"nodes": [{"name": "cache1", "rename": "memory"}]}
    # Its addresses lie where others are handed out by default.
    answers["networks"] = {
        {"ha": "cluster", "single": "edge"}[example]: {"dhcp_start": "10.17.4.241", "dhcp_end": "10.17.4.250"}
        if example == "ha"
        else {"dhcp_start": "192.168.0.100", "dhcp_end": "192.168.0.199"}
    }
    path = tmp_path / "answers.yaml"
    path.write_text(json.dumps(answers))
    plan = load(path, extended, {"layout": "infra"}).plan
    names = ["memory", "cache2", "cache3"]
    nodes = {node.name: node for node in plan.nodes if node.role == "cache"}
    assert list(nodes) == names
    assert [node.memory_mib for node in nodes.values()] == [2048] * 3
    network = IPv4Network(next(item.cidr for item in plan.networks if item.key == nodes["memory"].network))
    assert [node.address for node in nodes.values()] == [str(IPv4Address(int(network[0]) + 231 + n)) for n in range(3)]

    root = tmp_path / "infra"
    with local.env(PATH="/nonexistent"):
        copier.run_copy(
            str(extended), root, data=answers | {"layout": "infra"}, defaults=True, quiet=True,
            settings=copier.Settings(),
        )  # fmt: skip
    rendered = json.loads((root / "plan.json").read_text())
    assert [node["name"] for node in rendered["nodes"] if node["role"] == "cache"] == names
    (inventory,) = documents(root / "ansible/inventory/hosts.yml")
    assert list(inventory["caches"]["hosts"]) == names
    assert set(names) <= set(inventory["linux"]["hosts"])
    assert (root / "ansible/inventory/group_vars/caches/user.yml").is_file()
    assert (root / "terraform/cloud-init/snippets/cache.yaml").is_file()
    assert "| `cache2` | cache | Debian |" in (root / "README.md").read_text()


# -- what templates do not do ------------------------------------------------------------------------------------------

# Static files of roles and modules are looked at, too: a port or an address in one of them is a fact told twice.
FORBIDDEN = {
    "computes an address": re.compile(r"lib/net\.jinja|cidrhost\((?!.*(?:numbers|try|contains|, -?[01]\)))|\bipaddr\b"),
    "asks for the profile": re.compile(r"\bprofile *(?:==|!=|in\b)|\[profile\]|#\{ *profile\b"),
    "filters by role": re.compile(r"attr\('role', *'equalto'|node\.role *==|role *== *['\"]"),
    "names a port": re.compile(
        r"(?<![\w.])(?:" + "|".join(str(row["port"]) for row in PORTS.values() if row["port"] > 443) + r")(?![\w.])"
        r"|\bdport (?![#%])\S|(?<![\d.:]):(?:22|53|80|123|443)\b"
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template(what: str) -> None:
    for path in files(TEMPLATES):
        # What Python leaves beside a module is none of the template's: Copier leaves it out, too.
        if path.name in ("requirements.txt", ".ansible-lint") or {"tests", "__pycache__"} & set(path.parts):
            continue
        for number, line in enumerate([str(path.relative_to(TEMPLATES)), *path.read_text().splitlines()]):
            assert not FORBIDDEN[what].search(line), f"{path.relative_to(ROOT)}:{number} {what}: {line.strip()}"


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("computes an address", "#% import 'lib/net.jinja' as net %#"),
        ("asks for the profile", "#% if profile == 'ha' %#"),
        ("filters by role", "p.plan.nodes | selectattr('role', 'equalto', 'worker')"),
        ("filters by role", 'dns_servers = node.role == "infra" ? var.a : var.b'),
        ("names a port", "    tcp dport 22 accept"),
        ("names a port", "the masters answer at 6443"),
    ],
)
def test_what_is_looked_for_is_found(what: str, line: str) -> None:
    assert FORBIDDEN[what].search(line)


def test_a_stage_of_the_plan_fits_a_screen() -> None:
    stages = sorted((ROOT / "lib/plan").iterdir())
    first = ["dns", "endpoints", "existing", "firewall", "kubernetes", "machines", "networks", "outside", "storage"]
    assert [path.stem for path in stages] == [*first, "targets", "vips"]
    for path in stages:
        assert len(path.read_text().splitlines()) < 80, path.name
