"""What backup, restore, upgrade and removal of K3s decide before they touch anything."""

from __future__ import annotations

import hashlib
import json
import runpy
import shutil
from typing import TYPE_CHECKING, Any

import jinja2
import pytest

from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_tree import Infra, render_infra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.template.conftest import Ansible, Render

# Not imported: that would leave bytecode in the template.
MODULE = runpy.run_path(str(ROOT / "templates/infra/ansible/plugins/filter/k3s_day2.py"))
READING = runpy.run_path(str(ROOT / "templates/infra/ansible/plugins/filter/k3s_cluster.py"))
FILTERS: Mapping[str, Callable[..., Any]] = MODULE["FilterModule"]().filters()
DIGEST = hashlib.sha256(b"snapshot").hexdigest()
DESCRIBED = {"cluster": "home", "release": "v1.36.4+k3s1", "sha256": DIGEST}
WELL = {
    **{"cluster": "home", "confirm": "home", "file": "x/snapshot", "digest": DIGEST, "described": DESCRIBED},
    **{"foreign_tokens": [], "releases": ["v1.36.5+k3s1", ""], "absent": []},
}


@pytest.fixture(scope="module")
def ha(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, "ha", tmp_path_factory.mktemp("answers"))


@pytest.mark.parametrize(
    ("said", "release"),
    [
        ("k3s version v1.36.4+k3s1 (34a5c6c5)\ngo version go1.26.1", "v1.36.4+k3s1"),
        ("v1.37.0-rc2+k3s1", "v1.37.0-rc2+k3s1"),
        ("", ""),
    ],
)
def test_the_release_that_a_binary_names(said: str, release: str) -> None:
    assert FILTERS["k3s_release"](said) == release


def test_releases_are_in_their_order() -> None:
    releases = ["v1.9.12+k3s1", "v1.36.0-rc1+k3s1", "v1.36.0-rc2+k3s1", "v1.36.0+k3s1", "v1.36.0+k3s2", "v1.36.10+k3s1"]
    assert sorted([*releases[3:], *releases[:3]], key=MODULE["order"]) == releases
    assert MODULE["order"]("1.36") == ()


def test_a_restore_that_was_asked_for_with_a_whole_backup_goes_on() -> None:
    assert FILTERS["k3s_restore_findings"](WELL) == []
    # A snapshot of K3s's own schedule has nothing beside it.
    assert FILTERS["k3s_restore_findings"]({**WELL, "described": {}}) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"confirm": ""}, "say `-e confirm=home`"),
        ({"confirm": "other"}, "say `-e confirm=home`"),
        ({"absent": ["m2"]}, "m2 is left out of this run"),
        ({"digest": ""}, "There is no file x/snapshot on this machine"),
        ({"digest": "", "file": ""}, "There is no file (none is named) on this machine"),
        ({"digest": "1"}, "is not the file that backup.json beside it describes"),
        ({"described": {**DESCRIBED, "cluster": "other"}}, "is of the cluster other, and this one is home"),
        ({"releases": ["v1.35.9+k3s1"]}, "a server has v1.35.9+k3s1, which may not read it"),
        ({"foreign_tokens": ["agent-token"]}, "`fmc secret set machines/k3s agent-token < "),
    ],
)
def test_a_restore_stops_before_harm_is_done(change: dict[str, Any], said: str) -> None:
    (finding,) = FILTERS["k3s_restore_findings"]({**WELL, **change})
    assert said in finding


def node(name: str, release: str, **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, **({"annotations": annotations} if annotations else {})},
        "status": {"nodeInfo": {"kubeletVersion": release}, "conditions": [{"type": "Ready", "status": "True"}]},
    }


OLD, NEW = "v1.36.4+k3s1", "v1.37.0+k3s1"
MARK = {"uncordoned-by-upgrade": "true"}


def compared(version: str, *nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    disks = {one["metadata"]["name"]: one["status"]["nodeInfo"]["kubeletVersion"] for one in nodes}
    return {
        "version": version,
        "servers": ["m1", "m2"],
        "absent": [],
        "disks": disks,
        "nodes": READING["nodes"]({"items": nodes}),
        **more,
    }


def test_who_is_upgraded() -> None:
    due = FILTERS["k3s_upgrade_due"]
    assert due(compared(NEW, node("m1", OLD), node("m2", NEW), node("w1", OLD))) == ["m1", "w1"]
    assert due(compared(NEW, node("m1", OLD), disks={"m1": NEW})) == ["m1"], "left before its restart"
    assert due(compared(NEW, node("m1", NEW), disks={"m1": OLD})) == ["m1"]
    assert due(compared(NEW, node("m1", NEW, **MARK))) == ["m1"], "left cordoned"
    assert due(compared(NEW, node("m1", NEW, other="x"))) == []
    assert due(compared(NEW, node("m1", OLD), disks={})) == [], "not reached"
    assert due(compared(NEW, disks={"w9": OLD})) == [], "no Node yet"


def test_a_node_is_drained_where_its_pods_have_somewhere_to_go() -> None:
    """The condition took the Nodes for a list, and ended each upgrade at the first one."""
    (tasks,) = documents(ROOT / "templates/infra/ansible/roles/k3s_upgrade/tasks/drain.yml")
    (condition,) = [task["when"] for task in tasks if task["name"] == "Drain"]
    holds = jinja2.Environment(undefined=jinja2.StrictUndefined).compile_expression(condition, undefined_to_none=False)
    assert holds(k3s_upgrade_judge_seen=compared(NEW, node("m1", OLD), node("w1", OLD))) is True
    assert holds(k3s_upgrade_judge_seen=compared(NEW, node("m1", OLD))) is False


def test_the_mark_is_the_one_of_the_role() -> None:
    assert (
        f"k3s_upgrade_mark: {MODULE['UPGRADE_MARK']}\n"
        in (ROOT / "templates/infra/ansible/roles/k3s_upgrade/vars/main.yml").read_text()
    )
    assert {MODULE["UPGRADE_MARK"]} == set(MARK)


def test_an_upgrade_goes_to_the_next_minor_release_and_on_from_the_middle() -> None:
    findings = FILTERS["k3s_upgrade_findings"]
    assert findings(compared(NEW, node("m1", OLD), node("m2", NEW), node("w1", OLD))) == []
    # A kubelet may be three behind: a worker that was away for long is taken along.
    assert findings(compared(NEW, node("m1", OLD), node("w1", "v1.34.1+k3s1"))) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (compared("latest", node("m1", OLD)), "latest is no release of K3s"),
        (compared(NEW, node("m1", OLD), absent=["m2"]), "m2 is not reached, or left out of this run"),
        (compared(OLD, node("m1", NEW)), f"m1 has a newer K3s than {OLD}, and K3s does not go back"),
        (compared(OLD, node("m1", OLD), node("w1", NEW)), f"w1 has a newer K3s than {OLD}"),
        (compared(OLD, node("m1", OLD), disks={"m1": NEW}), f"m1 has a newer K3s than {OLD}"),
        (compared("v1.38.0+k3s1", node("m1", OLD)), "pin the newest v1.37 in versions.user.yaml"),
        (compared("v2.0.0+k3s1", node("m1", OLD)), "would skip a minor release"),
    ],
)
def test_an_upgrade_that_k3s_does_not_take_is_refused(seen: dict[str, Any], said: str) -> None:
    (finding,) = FILTERS["k3s_upgrade_findings"](seen)
    assert said in finding


LEAVING = {
    **{"cluster": "home", "machine": "m3", "fixed": [], "voters": ["m1", "m2", "m3"], "answering": ["m1", "m2"]},
    **{"ready": True, "reached": True},
}


def test_a_machine_goes_where_the_others_have_a_quorum() -> None:
    findings = FILTERS["k3s_remove_findings"]
    assert findings(LEAVING) == []
    assert findings({**LEAVING, "ready": False, "reached": False}) == [], "one that is off"
    assert findings({**LEAVING, "machine": "w1", "answering": ["m1"]}) == [], "an agent has no vote"
    assert findings({**LEAVING, "voters": ["m1", "m2"], "answering": ["m1"]}) == [], "no member any more"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answering": ["m1"]}, "Without m3, 1 of the 3 members of etcd would answer (m1), which is no majority"),
        ({"voters": ["m2", "m3"], "answering": ["m2"]}, "To go on with m2 alone: run playbooks/backup.yml"),
        ({"voters": ["m2", "m3"], "answering": ["m2"]}, "restore.yml -e snapshot=FILE -e confirm=home`"),
        ({"voters": ["m2", "m3"], "answering": []}, "(none), which is no majority: bring the others back"),
        ({"fixed": ["m3"]}, "m3 has the address of the API server or of the ingress"),
        ({"reached": False}, "m3 is Ready in the cluster, and Ansible does not reach it"),
    ],
)
def test_a_machine_that_the_cluster_needs_stays(change: dict[str, Any], said: str) -> None:
    (finding,) = FILTERS["k3s_remove_findings"]({**LEAVING, **change})
    assert said in finding


@pytest.mark.tools
def test_a_restore_compares_what_lies_beside_the_snapshot(
    ha: Infra, ansible: Ansible, ansible_python: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(ha.root, tmp_path / "infra") / "ansible"
    # Nothing of it may be done to this machine.
    (folder / "roles/k3s_restore/tasks/main.yml").write_text(
        json.dumps([{"name": "Judge", "ansible.builtin.include_tasks": "judge.yml"}])
    )
    playbook = folder / "playbooks/restore.yml"
    playbook.write_text(playbook.read_text().partition("\n- name: Let agents")[0])
    backup = tmp_path / "backup"
    backup.mkdir()
    (backup / "snapshot").write_text("snapshot")
    (backup / "backup.json").write_text(json.dumps({**DESCRIBED, "cluster": "homelab"}))
    (backup / "token").write_text("5ebc" * 16 + "\n")
    (backup / "agent-token").write_text("a6e7" * 16 + "\n")
    binary = tmp_path / "k3s"
    binary.write_text("#!/bin/sh\necho 'k3s version v1.36.4+k3s1 (x)'\n")
    binary.chmod(0o755)
    variables = {
        **{"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": str(ansible_python)},
        **{"k3s_restore_binary": str(binary), "k3s_server_token": "5ebc" * 16, "k3s_server_agent_token": "a6e7" * 16},
        **{"snapshot": str(backup / "snapshot"), "confirm": ha.rendered_plan["cluster"]["name"]},
        "k3s_restore_cluster": "homelab",
    }

    def restore(**changes: Any) -> tuple[int, str]:
        given = json.dumps({**variables, **{"confirm": "homelab"}, **changes})
        result = ansible(folder, "ansible-playbook", "playbooks/restore.yml", "-e", given)
        return result.returncode, " ".join((result.stdout + result.stderr).split())

    code, printed = restore()
    assert code == 0, printed
    assert "5ebc" not in printed
    code, printed = restore(confirm="", k3s_server_token="another" * 4, k3s_server_agent_token="other" * 4)
    assert code == 2
    assert "say `-e confirm=homelab`" in printed
    assert "The token in the vault is not the one" in printed
    assert "The agent-token in the vault is not the one" in printed
    (backup / "snapshot").write_text("another")
    assert "is not the file that backup.json beside it describes" in restore()[1]
    assert "There is no file (none is named)" in restore(snapshot="")[1]
