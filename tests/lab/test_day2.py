"""Day 2 of the K3s of examples/ha.yaml: what is backed up comes back, also after a run that was killed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.kubernetes import DATA, config, kill_once, kubectl, ready_nodes, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator, Play

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
