"""Machines that are there already: compared, set up and left alone, as those are that Terraform makes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator, Play


def test_a_machine_that_is_another_one_is_named_before_anything_is_done(lab: Lab, operator: Operator) -> None:
    (server,) = lab.group("k3s_servers")
    server.do("hostname", "somebody")
    play = operator.play("preflight")
    server.do("hostname", server.name)
    assert play.recap[server.name].failed == 1
    assert "somebody" in play.all
    assert not play.changed
    others = [host for host in lab.hosts.values() if host is not server]
    assert not any(play.recap[host.name].failed for host in others)


def test_a_whole_site_is_set_up(converged: Play, lab: Lab, operator: Operator, evidence: Callable[[str], None]) -> None:
    """K3s on a Linux machine, whose Node is the machine of the plan."""
    assert not (operator.infra / "terraform").exists()
    assert set(converged.recap) >= set(lab.hosts)
    assert not any(row.failed or row.unreachable for row in converged.recap.values())
    kubeconfig = operator.home / ".kube" / f"{lab.plan['cluster']['name']}.yaml"
    assert kubeconfig.stat().st_mode & 0o777 == 0o600
    (server,) = lab.group("k3s_servers")
    nodes = json.loads(server.do("/opt/bin/k3s", "kubectl", "get", "nodes", "--output=json"))["items"]
    assert [node["metadata"]["name"] for node in nodes] == [server.name]


def test_a_second_run_changes_nothing(converged: Play, operator: Operator, measured: dict[str, Play]) -> None:
    again = measured["again"] = operator.converge("site")
    assert not again.changed, again.out


def test_a_restart_brings_everything_back(converged: Play, lab: Lab, operator: Operator) -> None:
    for host in lab.hosts.values():
        host.halt()
    lab.start()
    play = operator.converge("site")
    assert not play.changed, play.out
