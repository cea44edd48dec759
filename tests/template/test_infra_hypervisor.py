"""The hypervisors for Ansible: who they are and how they are reached, and what their roles get from the plan."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import documents
from tests.template.infra_machines import render_machines
from tests.template.infra_tree import files
from tests.template.test_infra_ansible_real import seen, told

if TYPE_CHECKING:
    from tests.template.conftest import Ansible, Render
    from tests.template.infra_tree import Infra

INVENTORY = ("--inventory", "inventory/hypervisors.yml")


@pytest.fixture(scope="module")
def ha(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_machines(render, "ha", tmp_path_factory.mktemp("answers"))


def reached(render: Render, example: Infra, uri: str) -> dict[str, Any]:
    """Return how the inventory says to reach a hypervisor whose libvirt has a URI."""
    root = render(dict(example.answers) | {"hosts": {"kvm1": {"uri": uri}}}, "infra")
    (document,) = documents(root / "ansible/inventory/hypervisors.yml")
    return dict(document["hypervisors"]["hosts"]["kvm1"])


# -- the inventory -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("qemu:///system", {"ansible_connection": "local"}),
        ("qemu+unix:///system?socket=/run/other", {"ansible_connection": "local"}),
        ("qemu+ssh://kvm1/system", {"ansible_host": "kvm1"}),
        ("qemu+ssh://root@192.168.0.40/system", {"ansible_host": "192.168.0.40", "ansible_user": "root"}),
        (
            "qemu+libssh2://me@kvm1.lan:2222/system?keyfile=/home/me/key",
            {"ansible_host": "kvm1.lan", "ansible_user": "me", "ansible_port": 2222},
        ),
        # That port is libvirt's, and SSH has its own.
        ("qemu+tls://kvm1:16514/system", {"ansible_host": "kvm1"}),
    ],
)
def test_a_hypervisor_is_reached_as_its_libvirt_is(render: Render, ha: Infra, uri: str, wanted: dict[str, Any]) -> None:
    assert reached(render, ha, uri) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("single-on-two-hosts", ["kvm1", "kvm2"]),
        ("single-with-a-retired-host", ["kvm1"]),
        ("eleven-machines", ["kvm1"]),
    ],
)
def test_each_hypervisor_that_machines_come_to_stands_there(
    render: Render, tmp_path: Path, name: str, wanted: list[str]
) -> None:
    infra = render_machines(render, name, tmp_path)
    (document,) = documents(infra.inventory / "hypervisors.yml")
    assert list(document) == ["hypervisors"]
    assert list(document["hypervisors"]["hosts"]) == wanted


def test_no_playbook_for_machines_knows_the_hypervisors(ha: Infra) -> None:
    assert "hypervisors" not in ha.groups
    assert "inventory = inventory/hosts.yml\n" in (ha.ansible / "ansible.cfg").read_text()


@pytest.mark.tools
def test_with_the_inventory_of_the_machines_nothing_is_done(ha: Infra, ansible: Ansible) -> None:
    result = ansible(ha.ansible, "ansible-playbook", "playbooks/hypervisor.yml")
    assert result.returncode
    said = " ".join((result.stdout + result.stderr).split())
    assert "Run `ansible-playbook playbooks/hypervisor.yml --inventory inventory/hypervisors.yml`." in said
    assert "Prepare the hypervisors" not in said


# -- libvirt -----------------------------------------------------------------------------------------------------------


def test_libvirt_keeps_what_others_have(ha: Infra) -> None:
    """Terraform defines the pool, and refuses to where one of its name is there."""
    tasks = (ha.ansible / "roles/libvirt_host/tasks/libvirt.yml").read_text()
    verbs = re.findall(r"virsh --connect qemu:///system (\S+) \{\{ libvirt_host_pool \}\}$", tasks, re.M)
    assert verbs == ["pool-info", "pool-start", "pool-autostart"]
    assert tasks.count("virsh") == len(verbs)


# -- forwarding --------------------------------------------------------------------------------------------------------


def inputs(infra: Infra, ansible: Ansible, python: Path, scratch: Path, host: str) -> dict[str, Any]:
    """Return what the roles of a hypervisor get."""
    folder = told(infra.root, scratch, python)
    result = ansible(folder, "ansible-playbook", "playbooks/hypervisor.yml", *INVENTORY, "--limit", f"localhost,{host}")
    assert result.returncode == 0, result.stdout + result.stderr
    return seen(result.stdout)


@pytest.mark.tools
@pytest.mark.parametrize(
    ("name", "host", "forwards", "bridge"),
    [
        ("ha", "kvm1", True, ""),
        ("ha-in-the-lan", "kvm1", True, "br0"),
        ("single-behind-nat", "kvm1", False, ""),
        ("single-on-two-hosts", "kvm2", False, "br1"),
    ],
)
def test_roles_get_what_the_plan_has_for_their_hypervisor(
    render: Render,
    ansible: Ansible,
    ansible_python: Path,
    tmp_path: Path,
    name: str,
    host: str,
    forwards: bool,
    bridge: str,
) -> None:
    infra = render_machines(render, name, tmp_path)
    given = inputs(infra, ansible, ansible_python, tmp_path, host)
    cluster = infra.answers["name"]
    assert (given["libvirt_host_pool"], given["cluster_forwarding_cluster"]) == (cluster, cluster)
    assert given["lan_bridge_name"] == bridge
    assert given["lan_bridge_network"] == ("192.168.0.0/24" if bridge else "")
    assert given["cluster_forwarding_wanted"] is forwards
    if forwards:
        rules = Path(given["cluster_forwarding_rules"]).read_text()
        assert f"table inet cluster_{cluster.replace('-', '_')} {{" in rules
        assert Path(given["cluster_forwarding_unit"]).name == "cluster-networks@.service"


def test_no_rule_of_others_is_removed(ha: Infra) -> None:
    """Hazard B33."""
    texts = {path: path.read_text() for path in files(ha.ansible / "roles/cluster_forwarding")}
    assert not [path for path, text in texts.items() if "flush" in text]
    removed = re.findall(r"nft delete (.+)", "".join(texts.values()))
    assert removed == ["table inet {{ cluster_forwarding_table }}"]
