"""The report of verify.yml: what is wrong is named with what to do, and nothing is left out."""

from __future__ import annotations

import json
import runpy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Not imported: that would leave bytecode in the template.
MODULE = runpy.run_path(str(ROOT / "templates/infra/ansible/plugins/filter/verify.py"))
READING = runpy.run_path(str(ROOT / "templates/infra/ansible/plugins/filter/k3s_cluster.py"))
REPORT: Callable[..., Mapping[str, list[str]]] = MODULE["FilterModule"]().filters()["verify_report"]
RELEASE = "v1.36.4+k3s1"
GROUPS = {
    **{"all": ["lb1", "lb2", "m1", "m2", "m3", "w1"], "loadbalancers": ["lb1", "lb2"]},
    **{"k3s_servers": ["m1", "m2", "m3"], "k3s_agents": ["w1"]},
}


def ends(days: float) -> str:
    return f"notAfter={datetime.now(UTC) + timedelta(days=days, hours=1):%b %e %H:%M:%S %Y} GMT"


def node(name: str, *, ready: str = "True", release: str = RELEASE, **spec: Any) -> dict[str, Any]:
    status = {"nodeInfo": {"kubeletVersion": release}, "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def nodes(**changed: dict[str, Any] | None) -> dict[str, Any]:
    found = {name: node(name) for name in ("m1", "m2", "m3", "w1")} | changed
    return dict(READING["nodes"]({"items": [one for one in found.values() if one]}))


def members(*names: str, **more: Any) -> dict[str, bool]:
    listed = [{"name": f"{name}-0a1b2c3d", **more} for name in names]
    return dict(READING["members"](json.dumps({"members": listed})))


def told(**changed: Any) -> dict[str, Any]:
    nothing = {"clock": "", "names": "", "addresses": "", "nodes": {}, "members": {}, "health": 0, "ends": []}
    shared = {"plan": {"vips": [{"address": "10.0.0.5"}]}, "k3s_binary_version": RELEASE}
    return {**shared, "verify_seen": {**nothing, "certificate_days": 30, **changed}}


def server(**changed: Any) -> dict[str, Any]:
    well = {"nodes": nodes(), "members": members("m1", "m2", "m3"), "health": 200, "ends": [ends(3650), ends(300)]}
    return told(**{**well, **changed})


WELL = {
    "lb1": told(addresses="2: eth0 inet 10.0.0.11/24 x\n2: eth0 inet 10.0.0.5/32 x"),
    **{"lb2": told(), "w1": told(), "m1": server(), "m2": server(), "m3": server()},
}


def test_a_cluster_that_is_well() -> None:
    report = REPORT(WELL, GROUPS)
    assert report["findings"] == []
    assert report["rows"] == [
        "Machines: 6 of 6 reached",
        "Time: 6 of 6 clocks",
        "Names: 6 of 6 machines with the planned answers",
        "Address 10.0.0.5: lb1",
        f"Nodes: 4 of 4 Ready, at {RELEASE}",
        "etcd: 3 members with a vote (m1, m2, m3), 3 of 3 servers healthy",
        *[
            f"Certificates of {name}: the first one ends on {datetime.now(UTC) + timedelta(days=300, hours=1):%Y-%m-%d}"
            for name in ("m1", "m2", "m3")
        ],
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"w1": {"plan": {}}}, "w1 is not reached"),
        ({"w1": told(clock="The clock of w1 is 3 s off")}, "The clock of w1 is 3 s off"),
        ({"w1": told(names="Asked from w1: nothing")}, "Asked from w1: nothing"),
        ({"lb1": told()}, "10.0.0.5 is held by none of the load balancers"),
        ({"lb2": told(addresses=" 10.0.0.5/32 ")}, "10.0.0.5 is held by lb1 and lb2"),
        ({"m1": server(nodes=nodes(w1=None))}, "w1 is no Node of the cluster"),
        ({"m1": server(nodes=nodes(w1=node("w1", ready="Unknown")))}, "w1 is not Ready"),
        ({"m1": server(nodes=nodes(w1=node("w1", release="v1.36.3+k3s1")))}, "w1 runs v1.36.3+k3s1, pinned is"),
        ({"m1": server(nodes=nodes(w2=node("w2")))}, "w2 is a Node and none of the plan"),
        ({"m2": server(health=503)}, "etcd on m2 is not healthy"),
        ({"m1": server(members=members("m1", "m2"))}, "m3 has no vote in etcd"),
        ({"m1": server(members=members("m1", "m2", "m3", "m4"))}, "m4 has a vote in etcd and is no server of the plan"),
        ({"m3": server(ends=[ends(3650), ends(12)])}, "A certificate of m3 ends in 12 days"),
        ({"m3": server(ends=[])}, "m3 shows no certificate"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], said: str) -> None:
    (finding,) = REPORT({**WELL, **changed}, GROUPS)["findings"]
    assert said in finding


def test_a_learner_has_no_vote_and_silence_is_a_finding() -> None:
    learner = {name: server(members=members("m1", "m2", "m3", isLearner=True)) for name in ("m1", "m2", "m3")}
    assert sum("has no vote in etcd" in finding for finding in REPORT({**WELL, **learner}, GROUPS)["findings"]) == 3
    silent = {name: server(nodes={}, members={}) for name in ("m1", "m2", "m3")}
    findings = REPORT({**WELL, **silent}, GROUPS)["findings"]
    assert any("No API server tells its Nodes" in finding for finding in findings)


def test_a_cordon_is_told_and_is_no_fault() -> None:
    report = REPORT({**WELL, "m1": server(nodes=nodes(w1=node("w1", unschedulable=True)))}, GROUPS)
    assert report["findings"] == []
    assert "Cordoned: w1" in report["rows"]
