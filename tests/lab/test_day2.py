"""Day 2 of the K3s of examples/ha.yaml: backup, restore and upgrade, also after a run that was killed."""

from __future__ import annotations

import itertools
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.bed.waiting import wait_for
from tests.lab.k3s_binary import REAL, provide
from tests.lab.kubernetes import DATA, config, kill_once, kubectl, ready_nodes, said, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.k3s_binary import Binary
    from tests.lab.operator import Operator, Play

_NEXT = "v1.37.0+k3s1"
_MARK = "uncordoned-by-upgrade"
# One binary can't be upgraded to another.
stand_in = pytest.mark.skipif(bool(REAL), reason="FMC_K3S is one binary, and an upgrade needs two")
_LABEL = "lab.example.com/since"


def back_up(operator: Operator) -> Path:
    """Run backup.yml, and return the snapshot that it names."""
    found = re.search(r"The backup is (\S+)", said(operator.converge("backup")))
    assert found
    return Path(found[1])


def label(server: Host, name: str) -> str:
    node = json.loads(kubectl(server, "get", "node", name, "--output=json"))
    return str(node["metadata"]["labels"].get(_LABEL, ""))


def members(server: Host) -> set[str]:
    """Return the Nodes of the members of etcd that have a vote."""
    token = server.do("cat", "/etc/rancher/k3s/token").strip()
    script = (
        "import base64, ssl, sys, urllib.request as r; q = r.Request('https://127.0.0.1:6443/db/info');"
        "q.add_header('Authorization', 'Basic ' + base64.b64encode(sys.stdin.read().encode()).decode());"
        "print(r.urlopen(q, context=ssl._create_unverified_context()).read().decode())"
    )
    found = json.loads(server.do("python3", "-c", script, stdin=f"server:{token}"))["members"]
    return {member["name"].rpartition("-")[0] for member in found if not member.get("isLearner")}


def test_a_backup_is_whole_for_its_owner_alone_and_another_one_leaves_it(
    converged: Play, operator: Operator, lab: Lab, servers: list[Host]
) -> None:
    first, second = back_up(operator), back_up(operator)
    name = lab.plan["cluster"]["name"]
    assert first.parent.parent == second.parent.parent == operator.home / "k3s-backups" / name
    assert first.parent != second.parent
    assert re.fullmatch(rf"{name}-\d{{8}}T\d{{6}}Z", first.parent.name)
    for file in (first.parent.parent, first.parent, *first.parent.iterdir()):
        assert file.stat().st_mode & 0o777 == (0o700 if file.is_dir() else 0o600), file
    assert {file.name for file in first.parent.iterdir()} == {
        first.name, "token", "agent-token", "config.yaml", "backup.json",
    }  # fmt: skip
    assert (first.parent / "token").read_text() == servers[0].do("cat", "/etc/rancher/k3s/token")
    assert servers[0].do("find", f"{DATA}/server/db/snapshots", "-type", "f") == ""


def test_a_backup_is_not_put_into_the_repository(converged: Play, operator: Operator) -> None:
    play = operator.play("backup", "-e", f"k3s_backup_folder={operator.infra}/backups")
    assert play.code
    assert "is where the repository lies, and a backup holds the tokens of the cluster" in said(play)
    assert not (operator.infra / "backups").exists()


def test_a_restore_that_nobody_confirmed_stops_nothing(converged: Play, operator: Operator, lab: Lab) -> None:
    play = operator.play("restore", "-e", "snapshot=/nowhere")
    assert play.code
    assert play.changed == 0
    assert f"say `-e confirm={lab.plan['cluster']['name']}`" in said(play)
    assert "There is no file /nowhere on this machine" in said(play)
    play = operator.play("restore", "--limit", "k3s_servers[0]", "-e", f"confirm={lab.plan['cluster']['name']}")
    assert play.changed == 0
    assert "is left out of this run" in said(play)


def test_a_restore_that_was_killed_is_run_again_and_brings_the_state_of_the_snapshot_back(
    converged: Play,
    operator: Operator,
    lab: Lab,
    servers: list[Host],
    agents: list[Host],
    evidence: Callable[[str], None],
) -> None:
    first, worker = servers[0], agents[0].name
    everybody = {host.name for host in (*servers, *agents)}
    authority = first.do("cat", f"{DATA}/server/tls/server-ca.crt")
    kubectl(first, "label", "--overwrite", "node", worker, f"{_LABEL}=before")
    snapshot = back_up(operator)
    kubectl(first, "label", "--overwrite", "node", worker, f"{_LABEL}=after")
    options = ("-e", f"snapshot={snapshot}", "-e", f"confirm={lab.plan['cluster']['name']}")

    def is_moved() -> bool:
        return all(host.inside("test", "-e", f"{DATA}/server/db/etcd").returncode for host in servers)

    kill_once(operator, "restore", is_moved, *options)
    # Where the kill came too late for this, the snapshot is in place, and anybody may go on.
    states = [host.do("cat", f"{DATA}/restore/state").strip() for host in servers]
    play = operator.play("k3s", "--limit", "k3s_servers")
    if "reset" not in states:
        assert "A restore was stopped on master1, master2, master3" in said(play)
        assert not any(host.inside("test", "-e", f"{DATA}/server/db/etcd").returncode == 0 for host in servers)
    play = operator.converge("restore", *options)
    evidence(f"restore.yml took {play.seconds:.0f} s after one that was killed when servers were {states}")
    assert label(first, worker) == "before"
    assert ready_nodes(first) == everybody
    assert members(first) == {host.name for host in servers}
    for host in servers:
        assert host.do("cat", f"{DATA}/server/tls/server-ca.crt") == authority
        assert f"server: {lab.plan['k3s']['join']}\n" in config(host)
        assert "cluster-init" not in config(host)
        assert host.do("systemctl", "is-enabled", "k3s").strip() == "enabled"
        assert host.do("find", f"{DATA}/restore", "-path", "*/db/etcd").strip(), "what the server had is gone"
    again = operator.converge("k3s")
    assert not again.changed, again.out


def nodes(server: Host) -> dict[str, dict[str, Any]]:
    items = json.loads(kubectl(server, "get", "nodes", "--output=json"))["items"]
    return {node["metadata"]["name"]: node for node in items}


def releases(server: Host) -> set[str]:
    return {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes(server).values()}


def cordoned(server: Host) -> set[str]:
    return {name for name, node in nodes(server).items() if node["spec"].get("unschedulable")}


def pin(operator: Operator, binary: Binary, **more: str) -> None:
    for group in ("k3s_servers", "k3s_agents"):
        operator.set_variables(group, {**binary.variables(), **more})


def test_a_machine_leaves_only_while_the_others_have_a_quorum_and_comes_back_by_k3s_yml(
    converged: Play, operator: Operator, servers: list[Host], agents: list[Host]
) -> None:
    first, server, worker = servers[0], servers[2], agents[1]
    assert "Name a machine of the inventory" in said(operator.play("remove-node", "-e", "machine=nobody"))
    servers[1].do("systemctl", "stop", "k3s")
    try:
        # The API server is not ready without a quorum, and with it this needs no second reason.
        play = operator.play("remove-node", "-e", f"machine={first.name}")
        assert play.code
        assert play.changed == 0
        assert f"Without {first.name}, 1 of the 3 members of etcd would answer (master3), which is no majority" in said(
            play
        )
    finally:
        servers[1].do("systemctl", "start", "k3s")
    for host, unit in ((worker, "k3s-agent"), (server, "k3s")):
        play = operator.converge("remove-node", "-e", f"machine={host.name}")
        assert f"{host.name} is out of the cluster" in said(play)
        assert host.name not in nodes(first)
        assert host.inside("systemctl", "is-enabled", unit).stdout.strip() == "disabled"
        assert host.inside("systemctl", "is-active", unit).stdout.strip() == "inactive"
        secret = f"{host.name}.node-password.k3s"
        assert not kubectl(
            first, "--namespace=kube-system", "get", "secret", secret, "--ignore-not-found", "--output=name"
        )
    assert members(first) == {first.name, servers[1].name}
    play = operator.play("remove-node", "-e", f"machine={servers[1].name}")
    assert play.code
    assert "Without master2, 1 of the 2 members of etcd would answer (master1), which is no majority" in said(play)
    assert "To go on with master1 alone: run playbooks/backup.yml" in said(play)
    operator.converge("k3s")
    assert ready_nodes(first) == {host.name for host in (*servers, *agents)}
    assert members(first) == {host.name for host in servers}


def test_the_state_is_one_report_that_names_all_that_is_wrong(
    converged: Play, operator: Operator, lab: Lab, servers: list[Host], agents: list[Host]
) -> None:
    well = operator.converge("verify")
    assert well.changed == 0, well.out
    everybody = len(servers) + len(agents)
    for row in (
        f"Machines: {len(lab.hosts)} of {len(lab.hosts)} reached",
        f"Nodes: {everybody} of {everybody} Ready",
        "etcd: 3 members with a vote (master1, master2, master3), 3 of 3 servers healthy",
    ):
        assert row in said(well)
    agents[0].do("systemctl", "stop", "k3s-agent")
    servers[1].do("systemctl", "stop", "k3s")
    try:
        wait_for("both to be missed", lambda: not {agents[0].name, servers[1].name} & ready_nodes(servers[0]))
        play = operator.play("verify")
    finally:
        servers[1].do("systemctl", "start", "k3s")
        agents[0].do("systemctl", "start", "k3s-agent")
    assert play.code
    assert play.changed == 0
    for finding in (f"{agents[0].name} is not Ready", "master2 is not Ready", "etcd on master2 is not healthy"):
        assert finding in said(play), play.out[-4000:]
    wait_for("both to be back", lambda: {agents[0].name, servers[1].name} <= ready_nodes(servers[0]))


def test_certificates_are_renewed_on_one_server_after_the_other(
    converged: Play, operator: Operator, lab: Lab, servers: list[Host], agents: list[Host]
) -> None:
    """By the stand-in: the real one has other files below tls, but shows what it serves at the same port."""

    def shown(host: Host) -> str:
        asked = "openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial"
        return host.do("sh", "-c", asked)

    before = [shown(host) for host in servers]
    authority = servers[0].do("cat", f"{DATA}/server/tls/server-ca.crt")
    begin = time.time()
    operator.converge("renew-certs")
    for old, host in zip(before, servers, strict=True):
        assert shown(host) != old
        assert host.do("cat", f"{DATA}/server/tls/server-ca.crt") == authority
        assert host.do("find", f"{DATA}/server", "-maxdepth", "1", "-name", "tls-*").strip()
    assert ready_nodes(servers[0]) == {host.name for host in (*servers, *agents)}
    if not REAL:
        for earlier, later in itertools.pairwise(servers):
            assert begin < times(earlier, "ready")[-1] < times(later, "started")[-1]


def is_answered(server: Host) -> bool:
    """Return whether a server's API is ready."""
    return server.inside("/opt/bin/k3s", "kubectl", "get", "--raw=/readyz").returncode == 0


def tokens(host: Host) -> tuple[str, ...]:
    """Return what a machine starts with: a server both tokens, an agent its own."""
    return tuple(host.do("cat", f"/etc/rancher/k3s/{name}").strip() for name in ("token", "agent-token"))


def test_tokens_are_rotated_on_all_servers_before_one_restarts_and_a_killed_run_goes_on(
    converged: Play, operator: Operator, binary: Binary, servers: list[Host], agents: list[Host]
) -> None:
    """The vault of the lab keeps its tokens: others come by user.yml, and go back the same way."""
    first, old, new = servers[0], tokens(servers[0]), ("c0de" * 16, "beef" * 16)

    def pinned(pair: tuple[str, str]) -> None:
        own = {"k3s_server_token": pair[0], "k3s_server_agent_token": pair[1]}
        operator.set_variables("k3s_servers", {**binary.variables(), **own})
        operator.set_variables("k3s_agents", {**binary.variables(), "k3s_agent_token": pair[1]})

    def rotated() -> bool:
        return first.do("cat", f"{DATA}/server/token").strip().endswith(f"::server:{new[0]}")

    def written() -> set[tuple[str, ...]]:
        return {tokens(host) for host in servers}

    pinned(new)
    try:
        kill_once(operator, "rotate-token", rotated)
        assert "playbooks/rotate-token.yml" in first.do("cat", "/etc/rancher/token-rotation")
        begin = time.time()
        play = operator.converge("rotate-token")
        assert "The backup is" in play.out
        assert not [token for token in (*old, *new) if token in play.all]
        assert written() == {new}
        assert {host.do("cat", "/etc/rancher/k3s/agent-token").strip() for host in agents} == {new[1]}
        assert first.inside("test", "-e", "/etc/rancher/token-rotation").returncode
        if not REAL:
            for earlier, later in itertools.pairwise(servers):
                assert begin < times(earlier, "ready")[-1] < times(later, "started")[-1]
            for host in agents:
                assert times(servers[-1], "ready")[-1] < times(host, "started")[-1]
        assert operator.converge("rotate-token").changed == 0
        assert operator.converge("k3s").changed == 0
        assert members(first) == {host.name for host in servers}
        # As after a power cut: no server can ask another one, and each compares with what was saved.
        for host in servers:
            host.do("systemctl", "stop", "k3s")
        for host in servers:
            host.do("systemctl", "start", "--no-block", "k3s")
        everybody = {host.name for host in (*servers, *agents)}
        wait_for("everybody to be back", lambda: is_answered(first) and ready_nodes(first) == everybody)
    finally:
        pinned((old[0], old[1]))
        operator.converge("rotate-token")
        pin(operator, binary)
    assert written() == {old}
    assert ready_nodes(first) == {host.name for host in (*servers, *agents)}


@pytest.fixture
def next_binary(
    converged: Play, operator: Operator, lab: Lab, binary: Binary, servers: list[Host], agents: list[Host]
) -> Iterator[Binary]:
    """A newer release to pin; afterwards every machine has the old one again, by a way that only a stand-in takes."""
    yield provide(lab.shared, _NEXT, "k3s-next")
    pin(operator, binary)
    units = [(host, "k3s") for host in servers] + [(host, "k3s-agent") for host in agents]
    for host, _ in units:
        host.do("cp", "--remove-destination", f"/srv/lab/{binary.name}", "/opt/bin/k3s")
    for host, unit in units:
        host.do("systemctl", "restart", "--no-block", unit)
    everybody = {host.name for host, _ in units}

    def is_old() -> bool:
        first = servers[0]
        return is_answered(first) and releases(first) == {binary.version} and ready_nodes(first) == everybody

    wait_for("all nodes to have the old release again", is_old)


@stand_in
@pytest.mark.parametrize(
    ("release", "message"),
    [
        ("v1.35.9+k3s1", "has a newer K3s than v1.35.9+k3s1, and K3s does not go back"),
        ("v1.38.0+k3s1", "would skip a minor release: pin the newest v1.37"),
    ],
)
def test_an_upgrade_that_k3s_does_not_take_is_refused_before_anything_changes(
    converged: Play, operator: Operator, binary: Binary, servers: list[Host], release: str, message: str
) -> None:
    pin(operator, binary, k3s_binary_version=release)
    try:
        play = operator.play("upgrade")
    finally:
        pin(operator, binary)
    assert play.code
    assert play.changed == 0, play.out[-4000:]
    assert message in said(play)
    assert cordoned(servers[0]) == set()


@stand_in
def test_an_upgrade_that_was_killed_goes_on_node_by_node_and_a_persons_cordon_stays(
    next_binary: Binary,
    operator: Operator,
    servers: list[Host],
    agents: list[Host],
    evidence: Callable[[str], None],
) -> None:
    first, everybody = servers[0], [*servers, *agents]
    kubectl(first, "cordon", agents[1].name)
    pin(operator, next_binary)
    try:
        look = operator.converge("upgrade", "--check")
        assert look.changed == 0, look.out[-4000:]
        assert f"To be upgraded to {_NEXT}: {', '.join(host.name for host in everybody)}" in said(look)
        assert _NEXT not in releases(first)

        kill_once(operator, "upgrade", lambda: _NEXT in first.do("/opt/bin/k3s", "--version"))
        assert cordoned(servers[1]) == {first.name, agents[1].name}
        begin = time.time()
        play = operator.converge("upgrade")
        evidence(f"upgrade.yml took {play.seconds:.0f} s for the rest of {len(everybody)} nodes")
        assert releases(first) == {_NEXT}
        assert ready_nodes(first) == {host.name for host in everybody}
        assert cordoned(first) == {agents[1].name}
        assert not [name for name, node in nodes(first).items() if _MARK in node["metadata"].get("annotations", {})]
        assert members(first) == {host.name for host in servers}
        order = [next(one for one in times(host, "started") if one > begin) for host in everybody[1:]]
        assert order == sorted(order), "one after the other, servers first"
        for earlier, later in itertools.pairwise(servers):
            assert times(earlier, "ready")[-1] < times(later, "started")[-1]
        again = operator.converge("upgrade")
        assert again.changed == 0, again.out
    finally:
        kubectl(first, "uncordon", agents[1].name)


def test_a_reset_wants_the_name_and_leaves_machines_on_which_a_cluster_can_be_built_anew(
    converged: Play,
    operator: Operator,
    lab: Lab,
    servers: list[Host],
    agents: list[Host],
    evidence: Callable[[str], None],
) -> None:
    first, everybody = servers[0], [*servers, *agents]
    name = lab.plan["cluster"]["name"]
    play = operator.play("reset", "-e", "confirm=another")
    assert play.code
    assert play.changed == 0
    assert f"say `-e confirm={name}`" in said(play)
    assert ready_nodes(first) == {host.name for host in everybody}

    authority = first.do("cat", f"{DATA}/server/tls/server-ca.crt")
    with lab.restarts():
        play = operator.converge("reset", "-e", f"confirm={name}")
    evidence(f"reset.yml took {play.seconds:.0f} s, with a restart of {len(everybody)} machines")
    for host in everybody:
        for path in ("/var/lib/rancher/k3s", "/etc/rancher", "/opt/bin/k3s", "/etc/systemd/system/k3s.service"):
            assert host.inside("test", "-e", path).returncode == 1, f"{host.name}: {path}"
    assert operator.converge("reset", "-e", f"confirm={name}").changed == 0

    (operator.home / ".kube" / f"{name}.yaml").unlink()
    operator.converge("k3s")
    assert ready_nodes(first) == {host.name for host in everybody}
    assert first.do("cat", f"{DATA}/server/tls/server-ca.crt") != authority
