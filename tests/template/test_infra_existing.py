"""`machines: existing`: everything of Ansible, and nothing that would make a machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.world import ROOT
from tests.template.argocd_tree import documents
from tests.template.infra_tree import files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

EXAMPLE = ROOT / "examples/existing-machines.yaml"
MAKES_MACHINES = ("terraform", "tofu", "hypervisor", "libvirt", "virsh", "generation")

OF_HYPERVISORS = ("hypervisor", "libvirt", "forward", "bridge")


@pytest.fixture(scope="module", params=["infra", "monorepo"])
def root(request: pytest.FixtureRequest, render: Render) -> Path:
    (answers,) = documents(EXAMPLE)
    rendered = render(answers, request.param)
    return rendered if request.param == "infra" else rendered / "infra"


def test_no_file_makes_a_machine(root: Path) -> None:
    assert not [name for name in ("terraform", "host") if (root / name).exists()]
    ansible = root / "ansible"
    assert [path for path in ansible.rglob("*") if any(word in path.name for word in OF_HYPERVISORS)] == []
    assert (root / "ansible/playbooks/site.yml").is_file()
    for path in (root / "README.md", root / "Makefile", root / "versions.yaml"):
        text = path.read_text().lower()
        assert [word for word in MAKES_MACHINES if word in text] == [], path.name


def test_the_tables_of_the_readme_have_all_their_columns(root: Path) -> None:
    rows = [line for line in (root / "README.md").read_text().splitlines() if line.startswith("|")]
    headed = [(rows[at - 1], row) for at, row in enumerate(rows) if set(row) <= set("|-")]
    assert len(headed) >= 4
    assert all(above.count(" | ") + 1 == below.count("--") for above, below in headed)


def test_the_plan_names_no_hypervisor_and_asks_for_the_least_that_a_role_needs(root: Path) -> None:
    plan = json.loads((root / "plan.json").read_text())
    assert plan["hosts"] == []
    assert {network["mode"] for network in plan["networks"]} == {"existing"}
    kube = next(node for node in plan["nodes"] if node["name"] == "attic-kube")
    given = {key: kube[key] for key in ("host", "mac", "os", "distribution", "disk_gib", "data_disk_gib", "routes")}
    assert given == {
        "host": "", "mac": "", "os": "linux", "distribution": "Rocky", "disk_gib": 0, "data_disk_gib": 0, "routes": [],
    }  # fmt: skip
    assert plan["k3s"]["labels"] == {"attic-kube": []}


def test_the_server_is_a_linux_machine_of_the_inventory(root: Path) -> None:
    (inventory,) = documents(root / "ansible/inventory/hosts.yml")
    assert set(inventory["linux"]["hosts"]) == {"attic-names", "attic-kube"}
    assert set(inventory["k3s_servers"]["hosts"]) == {"attic-kube"}
    assert not inventory["flatcar"]["hosts"]


def test_the_operators_tools_are_without_terraform(root: Path) -> None:
    (pins,) = documents(root / "versions.yaml")
    assert "images" not in pins
    assert {"kubectl", "helm"} <= set(pins["tools"])
    assert "terraform" not in pins["tools"]


def test_plain_files_have_no_trace_of_the_template(root: Path) -> None:
    for path in files(root):
        assert "#%" not in path.read_text(errors="replace"), path
