"""K3s on the hosts of examples/ha.yaml: one cluster, servers one at a time, and a stop before harm."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.lab.k3s_binary import REAL
from tests.lab.kubernetes import CONFIG, DATA, config, kill_once, ready_nodes, said, times

if TYPE_CHECKING:
    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.k3s_binary import Binary
    from tests.lab.operator import Operator, Play

# The record of the stand-in; the real one has none.
stand_in = pytest.mark.skipif(bool(REAL), reason="FMC_K3S has no record of its starts")


def test_all_machines_of_the_plan_become_nodes_that_are_ready(
    converged: Play, servers: list[Host], agents: list[Host]
) -> None:
    assert converged.code == 0
    assert ready_nodes(servers[0]) == {host.name for host in (*servers, *agents)}


@stand_in
def test_one_server_founds_the_cluster_and_the_others_join_one_after_the_other(
    converged: Play, servers: list[Host]
) -> None:
    assert [len(times(host, "founded")) for host in servers] == [1, 0, 0]
    for earlier, later in itertools.pairwise(servers):
        assert times(earlier, "ready")[0] < times(later, "started")[0]
    assert times(servers[-1], "ready")[0] < times(servers[0], "restarted")[0]


def test_after_the_switch_all_servers_join_by_the_virtual_address(
    converged: Play, lab: Lab, servers: list[Host]
) -> None:
    join = lab.plan["k3s"]["join"]
    texts = {
        config(host).replace(f"node-name: {host.name}\n", "").replace(f"node-ip: {host.address}\n", "")
        for host in servers
    }
    (text,) = texts
    assert f"server: {join}\n" in text
    assert "cluster-init" not in text


def test_tokens_are_files_of_roots_and_agents_have_their_own_alone(
    converged: Play, servers: list[Host], agents: list[Host]
) -> None:
    token, agent_token = (servers[0].do("cat", f"/etc/rancher/k3s/{name}").strip() for name in ("token", "agent-token"))
    assert len({token, agent_token}) == 2
    for host in (*servers, *agents):
        assert host.do("stat", "--format=%a %U", "/etc/rancher/k3s/agent-token", CONFIG).split() == ["600", "root"] * 2
    for host in agents:
        assert host.do("cat", "/etc/rancher/k3s/agent-token").strip() == agent_token
        assert token not in host.do("sh", "-c", "cat /etc/rancher/k3s/*")
    assert token not in converged.all
    assert agent_token not in converged.all


def test_the_kubeconfig_lies_outside_of_the_repository_for_its_owner_alone(
    converged: Play, lab: Lab, operator: Operator
) -> None:
    file = operator.home / ".kube" / f"{lab.plan['cluster']['name']}.yaml"
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert f"server: {lab.plan['k3s']['join']}\n" in text
    assert "certificate-authority-data" in text


def refused(operator: Operator, *options: str) -> str:
    """Run k3s.yml, which has to stop before it has changed anything, and return what it says."""
    play = operator.play("k3s", *options)
    assert play.code
    assert play.changed == 0, play.out[-4000:]
    return said(play)


def test_all_that_would_do_harm_is_named_at_once_before_a_server_is_touched(
    converged: Play, operator: Operator, binary: Binary, servers: list[Host]
) -> None:
    before = [config(host) for host in servers]
    wrong = {"k3s_server_token": "not-the-clusters-token", "k3s_server_agent_token": "not-the-agents-token"}
    flags = {"k3s_server_pod_cidr": "10.99.0.0/16", "k3s_server_extra": {"secrets-encryption": False}}
    operator.set_variables("k3s_servers", {**binary.variables(), **wrong, **flags})
    own = operator.infra / "ansible/inventory/host_vars" / f"{servers[1].name}.yml"
    own.parent.mkdir()
    own.write_text('{"k3s_server_extra": {"flannel-backend": "host-gw", "secrets-encryption": false}}\n')
    try:
        text = refused(operator)
    finally:
        operator.set_variables("k3s_servers", binary.variables())
        own.unlink()
        own.parent.rmdir()
    for finding in (
        "cluster-cidr is 10.42.0.0/16 in the cluster that master1 is a member of, and is to be 10.99.0.0/16",
        "secrets-encryption is True in the cluster that master1 is a member of, and is to be False",
        "flannel-backend is to be host-gw on master2 and vxlan on master1, and must be the same",
        "The token in the vault is not the one that the cluster on master1 was made with",
        "The agent-token in the vault is not the one that the cluster on master1 was made with",
        "refuses the token of the vault",
    ):
        assert finding in text, text[-6000:]
    assert [config(host) for host in servers] == before


def test_an_empty_token_is_refused(converged: Play, operator: Operator, binary: Binary) -> None:
    operator.set_variables("k3s_servers", {**binary.variables(), "k3s_server_token": ""})
    try:
        assert "with an empty one a server would found a cluster of its own" in refused(operator)
    finally:
        operator.set_variables("k3s_servers", binary.variables())


def test_another_version_is_left_to_a_person(converged: Play, operator: Operator, binary: Binary) -> None:
    operator.set_variables("k3s_servers", {**binary.variables(), "k3s_binary_version": "v1.36.5+k3s1"})
    try:
        assert "pinned is v1.36.5+k3s1, and a node runs from this file" in refused(operator, "--limit", "k3s_servers")
    finally:
        operator.set_variables("k3s_servers", binary.variables())


def test_a_dead_worker_and_anothers_kubeconfig_stop_nothing_else(
    converged: Play, operator: Operator, lab: Lab, agents: list[Host]
) -> None:
    """Faults C10: one dead worker, and nothing could be done anywhere."""
    file = operator.home / ".kube" / f"{lab.plan['cluster']['name']}.yaml"
    mine, other = file.read_text(), "clusters: [{name: x, cluster: {certificate-authority-data: b3RoZXI=}}]\n"
    file.write_text(other)
    agents[1].do("rm", CONFIG)
    agents[0].halt()
    try:
        play = operator.play("k3s")
        assert play.recap[agents[0].name].unreachable
        assert config(agents[1])
        assert [name for name, row in play.recap.items() if row.failed] == ["master1"]
        assert "is the kubeconfig of another cluster" in said(play)
        assert file.read_text() == other
    finally:
        file.write_text(mine)
        agents[0].start()
        agents[0].wait_up()


def test_a_wiped_first_server_and_a_rebuilt_worker_come_back_and_nothing_is_founded(
    converged: Play, operator: Operator, lab: Lab, servers: list[Host], agents: list[Host]
) -> None:
    first, others = servers[0], servers[1:]
    authority = others[0].do("cat", f"{DATA}/server/tls/server-ca.crt")
    for host, unit in ((first, "k3s"), (agents[1], "k3s-agent")):
        host.do("systemctl", "stop", unit)
        host.do("rm", "-rf", "/var/lib/rancher", "/etc/rancher")
    operator.converge("k3s")
    assert first.do("cat", f"{DATA}/server/tls/server-ca.crt") == authority
    assert f"server: {lab.plan['k3s']['join']}\n" in config(first)
    assert "cluster-init" not in config(first)
    assert ready_nodes(others[0]) == {host.name for host in (*servers, *agents)}


def test_a_first_server_that_was_stopped_before_its_switch_is_switched(
    converged: Play, operator: Operator, lab: Lab, servers: list[Host]
) -> None:
    first, join = servers[0], lab.plan["k3s"]["join"]
    first.do("sed", "--in-place", f"s|^server: {join}$|cluster-init: true|", CONFIG)
    assert "cluster-init: true\n" in config(first)
    first.do("systemctl", "restart", "k3s")
    operator.converge("k3s", "--limit", "k3s_servers")
    assert f"server: {join}\n" in config(first)
    assert "cluster-init" not in config(first)
    assert {host.name for host in servers} <= ready_nodes(servers[1])


def test_servers_that_all_stand_still_are_started_at_once(
    converged: Play, operator: Operator, servers: list[Host]
) -> None:
    for host in servers:
        host.do("systemctl", "stop", "k3s")
    operator.converge("k3s", "--limit", "k3s_servers")
    assert {host.name for host in servers} <= ready_nodes(servers[0])


def started_since_its_configuration(host: Host) -> bool:
    since = host.do("systemctl", "show", "--property=ExecMainStartTimestamp", "--value", "k3s").strip()
    return host.do("find", CONFIG, "-newermt", since) == ""


def test_a_killed_run_is_completed_but_not_while_another_server_is_away(
    converged: Play, operator: Operator, binary: Binary, servers: list[Host]
) -> None:
    operator.set_variables("k3s_servers", {**binary.variables(), "k3s_server_snapshot_retention": 9})
    kill_once(operator, "k3s", lambda: "retention: 9" in config(servers[0]))
    assert not started_since_its_configuration(servers[0])
    servers[2].do("systemctl", "disable", "--now", "k3s")
    servers[2].do("mv", "/etc/systemd/system/k3s.service", "/etc/k3s.service")
    try:
        play = operator.play("k3s", "--limit", "k3s_servers")
        assert "master3 does not answer, and a restart of master1 now could cost the cluster its quorum" in said(play)
        assert not started_since_its_configuration(servers[0])
    finally:
        servers[2].do("mv", "/etc/k3s.service", "/etc/systemd/system/k3s.service")
    operator.converge("k3s", "--limit", "k3s_servers")
    # What comes next begins with the template's.
    operator.set_variables("k3s_servers", binary.variables())
    for host in servers:
        assert "retention: 9" in config(host)
        assert started_since_its_configuration(host)
