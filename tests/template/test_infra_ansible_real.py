"""The Ansible half of the infra part, read and run by the real programs."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_machines import SYSTEMS
from tests.template.infra_tree import CLUSTERS, Infra, render_infra

if TYPE_CHECKING:
    from tests.template.conftest import Ansible, Render

pytestmark = pytest.mark.tools
MACHINE = "lb2"
# One of them has no infra.
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.yaml") if path.stem != "existing-cluster")
HYPERVISORS = ("playbooks/hypervisor.yml", "--inventory", "inventory/hypervisors.yml")


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, request.param, tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def whole(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    """A cluster that has every role."""
    infra = render_infra(render, "whole", tmp_path_factory.mktemp("answers"))
    template = (path.name for path in (ROOT / "templates/infra/ansible/roles").iterdir())
    assert {re.sub("#%.*?%#", "", name) for name in template} == {path.name for path in infra.ansible.glob("roles/*")}
    return infra


@pytest.fixture(scope="module")
def ha(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, "ha", tmp_path_factory.mktemp("answers"))


def test_ansible_reads_the_inventory_as_the_plan_has_it(infra: Infra, ansible: Ansible) -> None:
    result = ansible(infra.ansible, "ansible-inventory", "--list")
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr
    read = json.loads(result.stdout)
    hosts = read["_meta"]["hostvars"]
    assert {name: values["ansible_host"] for name, values in hosts.items()} == {
        node.name: node.address for node in infra.plan.nodes
    }
    for node in infra.rendered_plan["nodes"]:
        planned = {"linux": "{{ node.distribution }}", "flatcar": "Flatcar"}[node["os"]]
        assert hosts[node["name"]]["preflight_distribution"] == planned
        assert node["distribution"] == SYSTEMS[node["image"]]


def test_what_a_user_sets_wins(ha: Infra, ansible: Ansible, tmp_path: Path) -> None:
    folder = shutil.copytree(ha.root, tmp_path / "infra") / "ansible"
    variables = folder / "inventory/group_vars"
    (variables / "all/user.yml").write_text("mine: all\n")
    (variables / "flatcar/user.yml").write_text("mine: flatcar\n")
    (variables / "masters/user.yml").write_text("mine: masters\n")
    result = ansible(folder, "ansible-inventory", "--list")
    hosts = json.loads(result.stdout)["_meta"]["hostvars"]
    assert {name: hosts[name]["mine"] for name in ("lb1", "worker1", "master1")} == {
        "lb1": "all", "worker1": "flatcar", "master1": "masters",
    }  # fmt: skip


SET_UP = ("linux", "flatcar", "hypervisors")
"""The groups that say how their hosts are reached."""


def inputs(role: Path) -> dict[str, Any]:
    """Return the options of a role by name."""
    (specification,) = documents(role / "meta/argument_specs.yml")
    return dict(specification["argument_specs"]["main"]["options"])


def valid(option: dict[str, Any]) -> Any:
    """Return a value that an option takes, and that no plan has."""
    if "choices" in option:
        return option["choices"][-1]
    if option["type"] == "list":
        return [valid({"type": option["elements"], "options": option.get("options", {})})]
    if option["type"] == "dict":
        return {name: valid(inner) for name, inner in option.get("options", {}).items()} or {"mine": "mine"}
    return {"str": "mine", "path": "/mine", "int": 7, "float": 7.5, "bool": True, "raw": "mine"}[option["type"]]


def seen(printed: str) -> dict[str, Any]:
    """Return what the roles of a tree made by `told` have got, from what their playbook printed."""
    found: dict[str, Any] = {}
    for inputs_of_role in re.findall(r"GOT:([A-Za-z0-9+/=]+)", printed):
        found |= json.loads(base64.b64decode(inputs_of_role))
    return found


def told(root: Path, scratch: Path, python: Path) -> Path:
    """Copy a part, and put in place of what its roles do that they print which inputs they got.

    Its modules run here, with an interpreter.
    """
    folder = shutil.copytree(root, scratch / "infra") / "ansible"
    for role in played(folder):
        names = ", ".join(f"'{name}': {name}" for name in inputs(role))
        say = {"name": "Say it", "ansible.builtin.debug": {"msg": f"GOT:{{{{ {{{names}}} | to_json | b64encode }}}}"}}
        (role / "tasks/main.yml").write_text(json.dumps([say]))
    here = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": str(python)}
    for system in SET_UP:
        (folder / f"inventory/group_vars/{system}/user.yml").write_text(json.dumps(here))
    settings = folder / "ansible.cfg"
    # No role looks at facts any more.
    settings.write_text(settings.read_text().replace("[defaults]\n", "[defaults]\ngathering = explicit\n", 1))
    return folder


def played(folder: Path) -> list[Path]:
    """Return the roles that playbooks list; others are included by a role, which gives them their inputs."""
    texts = "".join(path.read_text() for path in (folder / "playbooks").iterdir())
    return [role for role in (folder / "roles").iterdir() if f"- role: {role.name}\n" in texts]


def test_user_yml_overrides_each_input_of_each_role(
    whole: Infra, ansible: Ansible, ansible_python: Path, tmp_path: Path
) -> None:
    """faults C11: a time zone in user.yml was overruled by the playbook."""
    folder = told(whole.root, tmp_path, ansible_python)
    own = {name: valid(option) for role in played(folder) for name, option in inputs(role).items()}
    assert len(own) > 15
    # One machine of each role: together they get everything.
    machines = {group: node.name for node in whole.plan.nodes for group in (node.role, *node.groups)}

    def run(playbook: str, hosts: str, *options: str) -> dict[str, Any]:
        result = ansible(folder, "ansible-playbook", f"playbooks/{playbook}", "--limit", hosts, *options)
        assert result.returncode == 0, result.stdout + result.stderr
        return seen(result.stdout)

    planned = run("site.yml", MACHINE)
    assert (planned["preflight_address"], planned["timezone_name"]) == ("10.17.5.12/24", "Europe/Madrid")
    assert planned["preflight_resolvers"] == ["10.17.3.11", "10.17.3.12", "1.1.1.1", "9.9.9.9"]

    for group in (folder / "inventory/group_vars").iterdir():
        present = json.loads((group / "user.yml").read_text()) if group.name in SET_UP else {}
        (group / "user.yml").write_text(json.dumps(own | present))
    found = run("site.yml", ",".join(machines.values()))
    for playbook in ("gitops.yml", "admin.yml", "verify.yml"):
        found |= run(playbook, f"{MACHINE},localhost")
    for playbook in (
        "backup.yml",
        "restore.yml",
        "upgrade.yml",
        "remove-node.yml",
        "reset.yml",
        "renew-certs.yml",
        "rotate-token.yml",
    ):
        found |= run(playbook, machines["master"])
    found |= run("hypervisor.yml", "kvm1,localhost", *HYPERVISORS[1:])
    assert found == own


@pytest.mark.parametrize(
    ("text", "said"),
    [("k3s: {version: [\n", "can't be read; correct it: while parsing"), ("- k3s\n", "is no mapping of pins, such as")],
)
def test_a_file_of_pins_that_is_wrong_is_named(
    ha: Infra, ansible: Ansible, tmp_path: Path, text: str, said: str
) -> None:
    root = shutil.copytree(ha.root, tmp_path / "infra")
    (root / "versions.user.yaml").write_text(text)
    result = ansible(root / "ansible", "ansible-playbook", "playbooks/base.yml", "--limit", MACHINE)
    assert result.returncode
    assert f"[ERROR]: {root}/versions.user.yaml {said}" in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_every_role_refuses_inputs_of_another_type(
    whole: Infra, ansible: Ansible, ansible_python: Path, tmp_path: Path
) -> None:
    """Each option gets what its type can't be made of, one at a time; nothing of a role runs."""
    wrong = {"int": "many", "float": "half", "bool": "perhaps", "list": {"not": "a list"}, "dict": "text"}
    cases = [
        {
            "option": f"{role.name}/{name}",
            "spec": {name: {"type": option["type"]}},
            "given": {name: wrong[option["type"]]},
        }
        for role in sorted((whole.ansible / "roles").iterdir())
        for name, option in inputs(role).items()
        if option["type"] in wrong
    ]
    judge = {
        "argument_spec": "{{ item.spec }}",
        "provided_arguments": "{{ item.given }}",
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": str(ansible_python)},
        "tasks": [
            {
                "name": "Judge",
                "ansible.builtin.validate_argument_spec": judge,
                "loop": cases,
                "loop_control": {"label": "{{ item.option }}"},
                "register": "judged",
                "ignore_errors": True,
            },
            {
                "name": "Write the verdicts",
                "ansible.builtin.copy": {
                    "content": "{{ judged.results | map(attribute='failed') | to_json }}",
                    "dest": str(tmp_path / "verdicts"),
                    "mode": "0600",
                },
            },
        ],
    }
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    result = ansible(tmp_path, "ansible-playbook", "play.yml", "--inventory", "localhost,", "--connection", "local")
    assert result.returncode == 0, result.stdout + result.stderr
    verdicts = json.loads((tmp_path / "verdicts").read_text())
    assert [case["option"] for case, refused in zip(cases, verdicts, strict=True) if not refused] == []
    assert len(cases) > 10


def test_the_persons_playbook_and_roles_come_last(
    ha: Infra, ansible: Ansible, ansible_python: Path, tmp_path: Path
) -> None:
    """faults B13: there was no place for a playbook or a role of one's own."""
    folder = told(ha.root, tmp_path, ansible_python)
    role = folder / "roles.user/mine/tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text('[{"name": "Say it", "ansible.builtin.debug": {"msg": "MINE"}}]')
    (folder / "playbooks/user.yml").write_text('[{"hosts": "all", "gather_facts": false, "roles": ["mine"]}]')
    result = ansible(folder, "ansible-playbook", "playbooks/site.yml", "--limit", "lb1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.index("timezone : Say it") < result.stdout.index("MINE")


@pytest.fixture(scope="module", params=[*EXAMPLES, "ha-with-overrides"])
def folder_of_example(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `ansible` of each example, and of one with what none of them has."""
    if request.param in CLUSTERS:
        return render_infra(render, request.param, tmp_path_factory.mktemp("answers")).ansible
    (answers,) = documents(ROOT / f"examples/{request.param}.yaml")
    return render(dict(answers), "infra") / "ansible"


def test_every_playbook_is_accepted_with_the_inventory_of_every_example(
    folder_of_example: Path, ansible: Ansible
) -> None:
    playbooks = sorted(f"playbooks/{path.name}" for path in (folder_of_example / "playbooks").iterdir())
    assert {"playbooks/site.yml", "playbooks/rotate-token.yml"} < set(playbooks)
    own = HYPERVISORS[0] in playbooks
    for arguments in ([name for name in playbooks if name != HYPERVISORS[0]], *([HYPERVISORS] if own else [])):
        result = ansible(folder_of_example, "ansible-playbook", "--syntax-check", *arguments)
        assert result.returncode == 0, result.stderr
        assert "WARNING" not in result.stderr


def test_ansible_lint_finds_nothing_in_its_strictest_profile(whole: Infra, ansible: Ansible, tmp_path: Path) -> None:
    folder = shutil.copytree(whole.root, tmp_path / "infra") / "ansible"
    assert "profile: production" in (folder / ".ansible-lint").read_text()
    result = ansible(folder, "ansible-lint", "--nocolor")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Profile 'production' was required, and it passed" in result.stderr


def planned_as_found(facts: dict[str, Any], python: Path) -> dict[str, Any]:
    """Return the arguments of the role preflight that describe the machine with these facts."""
    interface, resolvers = facts["default_ipv4"], facts["dns"]["nameservers"]
    if "127.0.0.53" in resolvers:
        resolvers = re.findall(r"(?m)^nameserver\s+(\S+)", Path("/run/systemd/resolve/resolv.conf").read_text())
    return {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": str(python),
        "preflight_distribution": facts["distribution"],
        "preflight_hostname": facts["hostname"],
        "preflight_address": f"{interface.get('address', 'none')}/{interface.get('prefix', '')}",
        "preflight_mac": interface.get("macaddress", ""),
        "preflight_gateway": interface.get("gateway", ""),
        "preflight_resolvers": resolvers,
        "preflight_cpus": facts["processor_vcpus"],
        "preflight_memory_mib": facts["memtotal_mb"],
        "preflight_disks_gib": [0, 0],
    }


def test_preflight_names_every_difference_of_a_machine_and_passes_one_that_has_none(
    ha: Infra, ansible: Ansible, ansible_python: Path, tmp_path: Path
) -> None:
    folder = ha.ansible
    result = ansible(
        folder, "ansible", "localhost", "--connection", "local", "-e", f"ansible_python_interpreter={ansible_python}",
        "--module-name", "ansible.builtin.setup", "--tree", str(tmp_path),
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    facts = {
        name.removeprefix("ansible_"): value
        for name, value in json.loads((tmp_path / "localhost").read_text())["ansible_facts"].items()
    }

    def preflight(changes: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        variables = json.dumps(planned_as_found(facts, ansible_python) | changes)
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
