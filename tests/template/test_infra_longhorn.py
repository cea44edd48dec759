"""What Longhorn needs of the nodes: the role that sees to it, and the same from Ignition."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import require_tool
from tests.template.argocd_tree import HA, documents
from tests.template.conftest import ROOT
from tests.template.infra_tree import files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render


@pytest.fixture(scope="module")
def root(render: Render) -> Path:
    return render(HA | {"components": ["longhorn"]}, "infra")


def tasks(root: Path) -> dict[str, dict[str, Any]]:
    (found,) = documents(root / "ansible/roles/longhorn_node/tasks/main.yml")
    return {task["name"]: dict(task) for task in found}


def test_a_cluster_without_longhorn_has_no_trace_of_the_role(render: Render) -> None:
    bare = render(HA | {"components": ["traefik"]}, "infra")
    ansible = [path for path in files(bare / "ansible") if "longhorn" in f"{path} {path.read_text()}".lower()]
    assert ansible == []


def test_the_nodes_are_ready_before_k3s_starts(root: Path) -> None:
    (plays,) = documents(root / "ansible/playbooks/site.yml")
    imported = [play["ansible.builtin.import_playbook"] for play in plays]
    assert imported.index("longhorn.yml") < imported.index("k3s.yml")
    (play,) = documents(root / "ansible/playbooks/longhorn.yml")[0]
    assert (play["hosts"], play["roles"]) == ("k3s_servers:k3s_agents", [{"role": "longhorn_node"}])


@pytest.mark.parametrize("group", ["k3s_servers", "k3s_agents"])
def test_the_plan_says_which_nodes_keep_volumes(root: Path, group: str) -> None:
    (variables,) = documents(root / f"ansible/inventory/group_vars/{group}/longhorn.yml")
    assert variables == {"longhorn_node_keeps_volumes": "{{ inventory_hostname in plan.storage.longhorn.nodes }}"}


def test_volumes_never_fill_the_disk_of_the_system(root: Path) -> None:
    first, second, *_ = tasks(root).values()
    assert first["ansible.builtin.command"].startswith("mountpoint ")
    assert second["ansible.builtin.assert"]["that"] == "longhorn_node_mounted.rc == 0"
    assert "Nothing was changed." in second["ansible.builtin.assert"]["fail_msg"]


def test_modules_are_loaded_before_iscsid_which_does_not_start_without(root: Path) -> None:
    found = tasks(root)
    names = list(found)
    assert names.index("Load them now") < names.index("Start iscsid, now and with the machine")
    assert found["Start iscsid, now and with the machine"]["ansible.builtin.systemd_service"] == {
        "name": "iscsid", "state": "started", "enabled": True
    }  # fmt: skip


def test_the_role_and_ignition_write_the_same_modules(root: Path) -> None:
    butane = yaml.safe_load((root / "terraform/butane/data-disk.yaml").read_text())
    (file,) = butane["storage"]["files"]
    copied = tasks(root)["Name the modules that are loaded when the machine starts"]["ansible.builtin.copy"]
    assert copied["dest"] == file["path"]
    ours = (root / "ansible/roles/longhorn_node/files" / copied["src"]).read_text()
    assert ours.split() == file["contents"]["inline"].split()
    units = {unit["name"]: unit for unit in butane["systemd"]["units"]}
    assert units["iscsid.service"]["enabled"] is True
    assert units["multipathd.service"]["mask"] is True


def test_multipathd_is_kept_off_flatcar_and_off_the_devices_elsewhere(root: Path) -> None:
    found = tasks(root)
    off = found["Keep multipathd off, which has nothing to do on Flatcar"]
    assert off["when"] == "'flatcar' in group_names"
    assert off["loop"] == ["multipathd.socket", "multipathd.service"]
    # By what the devices say of themselves: the system may have disks behind multipathd.
    text = (root / "ansible/roles/longhorn_node/files/multipath.conf").read_text()
    assert 'vendor "IET"' in text
    assert "devnode" not in text
    # A package may start it at once.
    names = list(found)
    assert names.index("Keep multipathd away from Longhorn's devices") < names.index("Install what mounts volumes")


@pytest.mark.parametrize(
    ("family", "packages"),
    [
        ("Debian", ["open-iscsi", "nfs-common", "cryptsetup-bin"]),
        ("RedHat", ["iscsi-initiator-utils", "nfs-utils", "cryptsetup"]),
    ],
)
def test_each_family_of_systems_has_its_packages(root: Path, family: str, packages: list[str]) -> None:
    (variables,) = documents(root / f"ansible/roles/longhorn_node/vars/{family}.yml")
    assert variables == {"longhorn_node_packages": packages}


@pytest.mark.tools
def test_machines_that_are_copies_of_one_are_told(root: Path, tmp_path: Path) -> None:
    """The role's own task, on machines whose names are given here."""
    judge = tasks(root)["Refuse one that another machine has as well"]
    hosts = {"one": "YQ==", "two": "Yg==", "copy-of-two": "Yg=="}
    inventory = {
        "all": {"hosts": {name: {"longhorn_node_initiator": {"content": text}} for name, text in hosts.items()}}
    }
    (tmp_path / "hosts.json").write_text(json.dumps(inventory))
    play = {"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [judge]}
    (tmp_path / "play.json").write_text(json.dumps([play]))
    program = require_tool("ansible-playbook")
    done = subprocess.run(
        [program, "--inventory", "hosts.json", "play.json"],
        cwd=tmp_path,
        env={"PATH": f"{program.resolve().parent}:/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "two and copy-of-two have the same name" in done.stdout
    assert re.findall(r"^(\S+) .*failed=1", done.stdout, re.MULTILINE) == ["copy-of-two", "two"]


def test_existing_machines_with_a_declared_disk_keep_volumes(render: Render) -> None:
    (answers,) = documents(ROOT / "examples/existing-machines.yaml")
    disk = {"components": ["longhorn"], "sizes": {"master": {"data_disk_gib": 100}}}
    rendered = render(dict(answers) | disk, "infra")
    (plan,) = documents(rendered / "plan.json")
    assert plan["storage"]["longhorn"] == {"nodes": ["attic-kube"], "replicas": 1, "backup": ""}
    assert "/etc/fstab" in (rendered / "README.md").read_text()
