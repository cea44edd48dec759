"""What Terraform plans when the machines change: real runs, with stand-ins for the resources of the provider."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.infra_machines import render_machines, terraform
from tests.template.libvirt_standin import without_provider

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.template.conftest import Render

pytestmark = pytest.mark.tools
DOMAIN = 'module.node["{}"].terraform_data.domain_this'
DISK = 'module.data_disk["{}"].terraform_data.volume_this'


@dataclass(frozen=True)
class Site:
    """A cluster that Terraform has made.

    Attributes:
        root: The infra part.
    """

    root: Path

    @property
    def folder(self) -> Path:
        """Return the root module."""
        return self.root / "terraform"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Terraform there."""
        return terraform(self.folder, *arguments, "-no-color")

    def planned(self) -> dict[str, list[str]]:
        """Return what Terraform would do, by the resource's address; what it would leave alone is left out."""
        made = self.run("plan", "-input=false", "-out=x.tfplan")
        assert made.returncode == 0, made.stderr
        shown = json.loads(terraform(self.folder, "show", "-json", "x.tfplan").stdout)
        changes = {change["address"]: change["change"]["actions"] for change in shown["resource_changes"]}
        return {address: actions for address, actions in changes.items() if actions not in (["no-op"], ["read"])}

    def refusal(self) -> str:
        """Return what Terraform says against a plan."""
        result = self.run("plan", "-input=false")
        assert result.returncode == 1, result.stdout
        return " ".join(result.stderr.split())

    def apply(self) -> None:
        """Have it so."""
        result = self.run("apply", "-auto-approve", "-input=false")
        assert result.returncode == 0, result.stderr

    def output(self, name: str) -> Any:
        """Return an output."""
        return json.loads(terraform(self.folder, "output", "-json", name).stdout)

    def change(self, how: Callable[[dict[str, Any]], None]) -> None:
        """Change the plan of the machines; the function gets them by name."""
        path = self.root / "plan.json"
        plan = json.loads(path.read_text())
        nodes = {node["name"]: node for node in plan["nodes"]}
        how(nodes)
        plan["nodes"] = list(nodes.values())
        path.write_text(json.dumps(plan))


@pytest.fixture(scope="module")
def made(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster of a master with a data disk, an infra machine, and a machine beside them with a data disk."""
    answers = tmp_path_factory.mktemp("answers")
    infra = render_machines(render, "single-with-a-database", answers)
    root = tmp_path_factory.mktemp("site") / "infra"
    shutil.copytree(infra.root, root)
    without_provider(root / "terraform")
    site = Site(root)
    assert site.run("init").returncode == 0
    site.apply()
    return root


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Site:
    return Site(shutil.copytree(made, tmp_path / "infra", symlinks=True))


def test_a_second_plan_changes_nothing(site: Site) -> None:
    assert site.planned() == {}
    assert site.output("waiting") == {}


def test_a_machine_that_goes_does_not_take_its_data_along(site: Site) -> None:
    """faults A6: fewer machines in the answers deleted the last one's data disk."""
    site.change(lambda nodes: nodes.pop("db1") and None)
    assert f"{DISK.format('db1')} has lifecycle.prevent_destroy set" in site.refusal()
    # As terraform/README.md says.
    assert site.run("state", "rm", 'module.data_disk["db1"]').returncode == 0
    planned = site.planned()
    assert planned[DOMAIN.format("db1")] == ["delete"]
    assert not [address for address in planned if "data_disk" in address or "db1" not in address]


def test_a_data_disk_is_not_destroyed_by_an_answer(site: Site) -> None:
    """faults A6: `data_disk_gib: 0` deleted all data disks of a role."""
    site.change(lambda nodes: nodes["master1"].update(data_disk_gib=0))
    assert f"{DISK.format('master1')} has lifecycle.prevent_destroy set" in site.refusal()


def test_another_size_of_a_data_disk_is_told_and_settled_by_the_readmes_command(site: Site) -> None:
    """faults A8: it was passed over in silence, and failed in every comparison after that."""
    site.change(lambda nodes: nodes["master1"].update(data_disk_gib=120))
    assert "The data disk of master1 has 80 GiB, the plan says 120." in site.refusal()
    record = 'module.data_disk["master1"].terraform_data.capacity_gib'
    assert f"terraform state rm '{record.replace('master1', 'worker1')}'" in (site.folder / "README.md").read_text()
    assert site.run("state", "rm", record).returncode == 0
    assert site.planned() == {record: ["create"]}


def test_nothing_of_a_machine_that_exists_changes_before_its_generation(site: Site) -> None:
    """faults A7: new data disks stopped all masters together, and a changed MAC went into running machines."""

    def differently(nodes: dict[str, Any]) -> None:
        nodes["infra1"].update(data_disk_gib=8, cpus=7)
        for number, node in enumerate(nodes.values()):
            node.update(mac=f"52:54:00:00:00:0{number}", memory_mib=9000)

    site.change(differently)
    planned = site.planned()
    assert not [address for address in planned if "domain_this" in address]
    assert planned[DISK.format("infra1")] == ["create"]
    site.apply()
    assert site.output("waiting") == {
        "infra1": ["cpus", "data_disk", "mac", "memory_mib"],
        "master1": ["mac", "memory_mib"],
        "db1": ["mac", "memory_mib"],
    }

    (site.folder / "user.auto.tfvars").write_text("generations = { infra1 = 2 }\n")
    planned = site.planned()
    replaced = {address for address, actions in planned.items() if "delete" in actions}
    assert DOMAIN.format("infra1") in replaced
    assert all('module.node["infra1"]' in address for address in planned)
    site.apply()
    assert sorted(site.output("waiting")) == ["db1", "master1"]
    shown = terraform(site.folder, "state", "show", "-no-color", DOMAIN.format("infra1")).stdout
    assert '"infra1-data.qcow2"' in shown
    assert '"52:54:00:00:00:00"' in shown
