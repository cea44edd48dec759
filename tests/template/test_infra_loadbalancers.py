"""What the load balancers' roles write for a plan, and what they refuse."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import require_tool
from tests.template.infra_tree import CLUSTERS, Infra, render_infra

if TYPE_CHECKING:
    from tests.template.conftest import Ansible, Render

pytestmark = pytest.mark.tools
HERE = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
WRITTEN = {
    "haproxy": ["haproxy.cfg"],
    "keepalived": ["keepalived.conf", "addresses.conf"],
    "firewall": ["rules.nft", "host-firewall.service"],
}
"""The templates of each role that are looked at."""
BALANCED = [name for name, (example, _) in CLUSTERS.items() if example == "ha"]


@dataclass(frozen=True)
class Machines:
    """What the roles write on each machine of a cluster."""

    infra: Infra
    folder: Path

    def text(self, machine: str, file: str) -> str:
        """Return a file."""
        return (self.folder / machine / file).read_text()


def write(infra: Infra, ansible: Ansible, scratch: Path) -> Machines:
    """Have Ansible render the roles' files, with the variables that the inventory gives, for every machine."""
    folder = shutil.copytree(infra.ansible.parent, scratch / "infra") / "ansible"
    # Of the interface that the role finds on the machine.
    found = {"keepalived_found": {"stdout": json.dumps([{"ifname": "eth0"}])}}
    variables = [str(folder / f"roles/{role}/{kind}/main.yml") for role in WRITTEN for kind in ("defaults", "vars")]
    plays: list[dict[str, Any]] = [
        {"hosts": hosts, "tasks": [{"name": "Render", "ansible.builtin.set_fact": {"written": lookups(folder, roles)}}]}
        for hosts, roles in (("all", ["firewall"]), ("loadbalancers", list(WRITTEN)))
    ]
    # By one module: a module for each file and machine takes ten times as long.
    everything = "{{ dict(groups['all'] | zip(groups['all'] | map('extract', hostvars, 'written'))) | to_json }}"
    copy = {"content": everything, "dest": str(scratch / "written.json"), "mode": "0600"}
    plays.append({"hosts": "localhost", "tasks": [{"name": "Write", "ansible.builtin.copy": copy}]})
    for play in plays:
        play |= {"gather_facts": False, "vars": HERE | found, "vars_files": [v for v in variables if Path(v).exists()]}
    (folder / "playbooks/write.yml").write_text(json.dumps(plays))
    result = ansible(folder, "ansible-playbook", "playbooks/write.yml")
    assert result.returncode == 0, result.stdout + result.stderr
    for machine, texts in json.loads((scratch / "written.json").read_text()).items():
        (scratch / machine).mkdir()
        for name, text in texts.items():
            (scratch / machine / name).write_text(text)
    return Machines(infra, scratch)


def lookups(folder: Path, roles: list[str]) -> dict[str, str]:
    """Return what renders each file of some roles, by its name."""
    paths = {name: folder / f"roles/{role}/templates/{name}.j2" for role in roles for name in WRITTEN[role]}
    return {name: f"{{{{ lookup('ansible.builtin.template', '{path}') }}}}" for name, path in paths.items()}


@pytest.fixture(scope="module")
def written(
    render: Render, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Machines]:  # fmt: skip
    """The machines of every cluster, by its name."""
    scratch = tmp_path_factory.mktemp("answers")
    return {
        name: write(render_infra(render, name, scratch), ansible, tmp_path_factory.mktemp(name)) for name in CLUSTERS
    }


def balancers(machines: Machines) -> list[str]:
    """Return the names of a cluster's load balancers."""
    return list(machines.infra.rendered_plan["groups"]["loadbalancers"])


# -- HAProxy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", BALANCED)
def test_every_endpoint_is_bound_and_has_its_backends(written: dict[str, Machines], cluster: str) -> None:
    machines = written[cluster]
    text = machines.text(balancers(machines)[0], "haproxy.cfg")
    endpoints = [row for row in machines.infra.rendered_plan["endpoints"] if row["backends"]]
    assert {row["name"] for row in endpoints} == {"api", "http", "https"}
    for row in endpoints:
        assert f"  bind {row['address']}:{row['port']}\n" in text
        section = text.split(f"\nbackend {row['name']}\n")[1].split("\n\n")[0]
        header = " send-proxy-v2" if row["proxy_protocol"] else ""
        assert re.findall(r"  server (.*)", section) == [
            f"{backend['name']} {backend['address']}:{row['backend_port']}{header}" for backend in row["backends"]
        ]
        assert ("shutdown-sessions" in section) is (row["name"] == "api")


@pytest.mark.parametrize("cluster", BALANCED)
def test_the_api_is_asked_twice_etcd_before_readyz(written: dict[str, Machines], cluster: str) -> None:
    """k3s.md §1: /readyz says 401 without a quorum, too."""
    machines = written[cluster]
    section = machines.text(balancers(machines)[0], "haproxy.cfg").split("\nbackend api\n")[1].split("\n\n")[0]
    assert re.findall(r"http-check (connect .*|send .* uri \S+|expect .*)", section.replace(" ver", "\n ver")) == [
        "connect port 2381",
        "send meth GET uri /health",
        "expect rstatus ^(200)$",
        "connect port 6443 ssl alpn http/1.1",
        "send meth GET uri /readyz",
        "expect rstatus ^(200|401)$",
    ]


def test_nobody_else_sees_the_state_of_haproxy(written: dict[str, Machines]) -> None:
    text = written["ha"].text("lb1", "haproxy.cfg")
    assert re.findall(r"(?m)^frontend state\n(?:.*\n)*?  bind (\S+)", text) == ["127.0.0.1:8404"]
    assert "stats socket /var/lib/haproxy/admin.sock mode 600" in text


def test_haproxy_gives_numbers_at_its_own_address_and_nothing_else(written: dict[str, Machines]) -> None:
    text = written["ha"].text("lb1", "haproxy.cfg")
    section = text.split("\nfrontend metrics\n")[1].split("\n\n")[0]
    assert re.findall(r"  (bind|http-request) (.*)", section) == [
        ("bind", "10.17.5.11:8405"),
        ("http-request", "use-service prometheus-exporter if { path /metrics }"),
        ("http-request", "deny deny_status 404"),
    ]
    rules = written["ha"].infra.rendered_plan["firewall"]["lb1"]["rules"]
    (rule,) = [rule for rule in rules if rule["name"] == "haproxy_metrics"]
    # The workers, and their pods where they arrive under their own addresses.
    assert rule["sources"] == ["10.17.4.31", "10.17.4.32", "10.17.4.33", "10.42.0.0/16"]


# -- Keepalived --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", BALANCED)
def test_load_balancers_share_the_addresses_and_none_fails_back(written: dict[str, Machines], cluster: str) -> None:
    machines = written[cluster]
    vips = machines.infra.plan.vips
    priorities: dict[str, dict[str, int]] = {vip.name: {} for vip in vips}
    for name in balancers(machines):
        text = machines.text(name, "keepalived.conf")
        assert "auth_pass" not in text
        assert text.count("  state BACKUP\n") == text.count("  nopreempt\n") == len(vips)
        # Unicast, from its own address to all others.
        own = next(node.address for node in machines.infra.plan.nodes if node.name == name)
        others = [n.address for n in machines.infra.plan.nodes if n.name in balancers(machines) and n.name != name]
        assert text.count(f"unicast_src_ip {own}\n") == len(vips)
        assert text.count("unicast_peer {\n" + "".join(f"    {other}\n" for other in others) + "  }") == len(vips)
        # A failed check makes it give up, whatever the priorities are.
        assert re.findall(r"weight (\S+)", text) == ["0", "0"]
        for vip in vips:
            block = text.split(f"vrrp_instance {vip.name} {{")[1].split("\n}")[0]
            assert f"virtual_router_id {vip.vrid}\n" in block
            assert f"{vip.address}/32 dev eth0\n" in block
            priorities[vip.name][name] = int(re.findall(r"priority (\d+)", block)[0])
    first = [max(row, key=lambda name: row[name]) for row in priorities.values()]
    assert len(set(first)) == len(first) == 2
    for row in priorities.values():
        assert len(set(row.values())) == len(row) == len(balancers(machines))
        assert all(0 < priority < 255 for priority in row.values())


def test_a_hundred_load_balancers_have_priorities_of_their_own(render: Render, tmp_path: Path) -> None:
    ha = render_infra(render, "ha", tmp_path)
    root = render(dict(ha.answers) | {"counts": {"loadbalancers": 100}}, "infra")
    for vip in Infra(ha.plan, ha.answers, root).rendered_plan["vips"]:
        priorities = [holder["priority"] for holder in vip["holders"]]
        assert len(set(priorities)) == 100
        assert min(priorities) > 0
        assert max(priorities) < 255


# -- the firewall ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_nft_takes_the_rules_of_every_machine_twice_and_leaves_those_of_others(
    written: dict[str, Machines], cluster: str
) -> None:
    nft, unshare = require_tool("nft"), require_tool("unshare")
    # In a network of its own, so that the rules of this machine stay what they are.
    enter = [str(unshare), "--map-root-user", "--net", "sh", "-c"]
    load = (
        '"$0" add table ip others; for file; do "$0" -c -f "$file" && "$0" -f "$file" && "$0" -f "$file" || exit; done'
    )
    files = [written[cluster].folder / node.name / "rules.nft" for node in written[cluster].infra.plan.nodes]
    result = subprocess.run(
        [*enter, f'{load}; "$0" list tables', str(nft), *files], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n") == ["table ip others", "table inet host_firewall", ""]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_rules_of_a_machine_are_those_of_the_plan(written: dict[str, Machines], cluster: str) -> None:
    machines = written[cluster]
    for name, planned in machines.infra.rendered_plan["firewall"].items():
        text = machines.text(name, "rules.nft")
        assert "flush ruleset" not in text
        assert f"policy {'drop' if planned['deny'] else 'accept'};" in text
        assert [row.split(", ") for row in re.findall(r"elements = { (.*) }", text)] == [
            rule["sources"] for rule in planned["rules"]
        ]
        for rule in planned["rules"]:
            what = "meta l4proto 112" if rule["protocol"] == "vrrp" else f"{rule['protocol']} dport {rule['port']}"
            assert re.search(rf"ip saddr @{rule['name']}_{rule['protocol']}_\d+ {what} accept\n", text), name
            assert (f"    {what} drop\n" in text) is not planned["deny"]


def test_systemd_takes_the_firewalls_unit(written: dict[str, Machines], tmp_path: Path) -> None:
    analyze = require_tool("systemd-analyze")
    unit = tmp_path / "host-firewall.service"
    unit.write_text(written["ha"].text("infra1", unit.name).replace("=nft ", "=/bin/true "))
    result = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr


# -- wrong inputs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("playbook", "wrong"),
    [
        ("loadbalancers", {"haproxy_port": "many"}),
        ("loadbalancers", {"haproxy_endpoints": [{"name": "api"}]}),
        ("firewall", {"firewall_rules": [{"name": "x", "protocol": "sctp", "port": 1, "sources": []}]}),
    ],
)
def test_inputs_of_wrong_types_are_refused_before_anything_is_done(
    render: Render, ansible: Ansible, tmp_path: Path, playbook: str, wrong: dict[str, Any]
) -> None:  # fmt: skip
    folder = render_infra(render, "ha", tmp_path).ansible
    variables = json.dumps(HERE | wrong)
    result = ansible(folder, "ansible-playbook", f"playbooks/{playbook}.yml", "--limit", "lb1", "-e", variables)
    assert result.returncode == 2
    assert "Validation of arguments failed" in result.stdout + result.stderr
    assert "changed=0" in result.stdout
