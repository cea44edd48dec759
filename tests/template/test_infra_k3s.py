"""What the roles of K3s write: each config.yaml against the flags of the pinned release, and what no task may do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import require_tool
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_tree import CLUSTERS, Infra, render_infra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.template.conftest import Render

FLAGS = json.loads((ROOT / "tests/lab/stand_in_k3s/flags.json").read_text())
# Ansible would leave it beside the plugins, in the tree that other tests look at.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
SECRETS = {
    "k3s_servers": {"k3s_server_token": "5ebc" * 16, "k3s_server_agent_token": "a6e7" * 16},
    "k3s_agents": {"k3s_agent_token": "a6e7" * 16},
}


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, request.param, tmp_path_factory.mktemp("answers"))


def configurations(infra: Infra, python: Path, playbook: tuple[str, ...], scratch: Path) -> dict[str, dict[str, Any]]:
    """Return the config.yaml of each server and agent, as Ansible templates it from the inventory.

    The roles are the rendered ones, but for their tasks: one that writes that file here.
    """
    play = []
    for group, role in (("k3s_servers", "k3s_server"), ("k3s_agents", "k3s_agent")):
        copy = scratch / "roles" / role
        for part in ("defaults", "vars", "templates"):
            shutil.copytree(infra.ansible / "roles" / role / part, copy / part)
        write = {"src": "config.yaml.j2", "dest": f"{scratch}/{{{{ inventory_hostname }}}}.yaml", "mode": "0600"}
        (copy / "tasks").mkdir()
        (copy / "tasks/main.yml").write_text(json.dumps([{"name": "Write it", "ansible.builtin.template": write}]))
        variables = {**SECRETS[group], "k3s_server_founds": False, "ansible_python_interpreter": str(python)}
        head = {"name": f"Write {group}", "hosts": group, "gather_facts": False, "connection": "local"}
        play.append({**head, "vars": variables, "roles": [{"role": role}]})
    (scratch / "play.yml").write_text(json.dumps(play))
    program = require_tool("ansible-playbook")
    done = subprocess.run(
        [*playbook, "--inventory", str(infra.inventory / "hosts.yml"), str(scratch / "play.yml")],
        cwd=infra.ansible,
        env={
            "PATH": f"{program.resolve().parent}:/usr/bin:/bin",
            "HOME": str(scratch),
            "LC_ALL": "C.UTF-8",
            **NO_BYTECODE,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.stem: yaml.safe_load(path.read_text()) for path in scratch.glob("*.yaml")}


@pytest.mark.tools
def test_each_configuration_has_flags_of_the_release_alone_and_servers_agree(
    infra: Infra, ansible_python: Path, ansible_playbook: tuple[str, ...], tmp_path: Path
) -> None:
    found = configurations(infra, ansible_python, ansible_playbook, tmp_path)
    servers = {node.name for node in infra.plan.nodes if "k3s_servers" in node.groups}
    agents = {node.name for node in infra.plan.nodes if "k3s_agents" in node.groups}
    assert found.keys() == servers | agents
    plan = json.loads((infra.root / "plan.json").read_text())
    for name in servers:
        assert set(found[name]) <= set(FLAGS["server"]), name
        common = {key: found[name].get(key, default) for key, default in FLAGS["equal"].items()}
        first = found[min(servers)]
        assert common == {key: first.get(key, default) for key, default in FLAGS["equal"].items()}
        assert {"traefik", "servicelb"} <= set(found[name]["disable"])
        assert (common["cluster-cidr"], common["service-cidr"]) == (
            plan["k3s"]["pod_cidr"],
            plan["k3s"]["service_cidr"],
        )
        assert common["secrets-encryption"] is True
        assert found[name]["etcd-expose-metrics"] is True
        assert {plan["api"]["address"], plan["api"]["host"], name} <= set(found[name]["tls-san"])
        assert found[name].get("node-taint", []) == (
            ["node-role.kubernetes.io/control-plane:NoSchedule"] if agents else []
        )
        assert found[name]["server"] == f"https://{plan['api']['address']}:6443"
    for name in agents:
        assert set(found[name]) <= set(FLAGS["agent"]), name
        assert not set(found[name]) & (set(FLAGS["server"]) - set(FLAGS["agent"]))
    assert not re.search("5ebc5ebc|a6e7a6e7", "".join(path.read_text() for path in tmp_path.glob("*.yaml")))


@pytest.fixture(scope="module")
def ha(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, "ha", tmp_path_factory.mktemp("answers"))


def tasks(node: Any) -> Iterator[dict[str, Any]]:
    """Yield each task of a document, those in blocks and plays, too."""
    if isinstance(node, list):
        for item in node:
            yield from tasks(item)
    elif isinstance(node, dict):
        if any(key.startswith("ansible.builtin.") for key in node):
            yield node
        for value in node.values():
            yield from tasks(value)


KEPT = re.compile(r"/var/lib/rancher|k3s_server_data|server/(db|tls)")
REMOVES = re.compile(r'"state": "absent"|\b(rm|rmdir|unlink|shred|wipefs|mkfs)\b|-delete\b')


def test_no_task_deletes_what_a_server_keeps(ha: Infra) -> None:
    """hazards B15: a playbook that wiped datastore and certificates of every server."""
    assert REMOVES.search(json.dumps({"ansible.builtin.file": {"path": "x", "state": "absent"}}))
    looked = 0
    reset = ha.ansible / "roles/k3s_reset/tasks/main.yml"
    assert any(KEPT.search(text) and REMOVES.search(text) for text in map(json.dumps, tasks([*documents(reset)])))
    # It alone may, and wants the cluster's name first.
    (first, *_) = tasks([*documents(reset)])
    assert first["ansible.builtin.assert"]["that"] == "k3s_reset_confirm == k3s_reset_cluster"
    assert {path.name for path in (ha.ansible / "playbooks").iterdir() if "k3s_reset" in path.read_text()} == {
        "reset.yml"
    }
    for file in [path for folder in ("playbooks", "roles") for path in (ha.ansible / folder).rglob("*.yml")]:
        for task in tasks([*documents(file)]) if file != reset else ():
            text = json.dumps(task, default=str)
            assert not (KEPT.search(text) and REMOVES.search(text)), f"{file}: {text}"
            looked += bool(KEPT.search(text))
    assert looked


def test_every_use_of_a_token_is_censored(ha: Infra) -> None:
    """hazards S6: a token in the log, in a unit, in a file that everybody reads."""
    uses = 0
    for file in ha.ansible.glob("roles/k3s_*/tasks/*.yml"):
        for task in tasks([*documents(file)]):
            module = [value for key, value in task.items() if key.startswith("ansible.builtin.")]
            text = json.dumps([*module, task.get("loop")], default=str)
            if (
                re.search(r"k3s_(server|agent|restore|remove|rotate)_(agent_)?token\b", text)
                and "ansible.builtin.assert" not in task
            ):
                assert task.get("no_log") is True, f"{file}: {task.get('name')}"
                uses += 1
    assert uses > 5
