"""The filters of the rendered roles: pure functions, called as Ansible calls them."""

from __future__ import annotations

import base64
import json
import runpy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.template.conftest import ROOT
from tests.template.test_infra_k3s import FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Not imported: that would leave bytecode in the template.
MODULE, READING = (
    runpy.run_path(str(ROOT / f"templates/infra/ansible/plugins/filter/{name}.py")) for name in ("k3s", "k3s_cluster")
)
FILTERS: Mapping[str, Callable[..., Any]] = MODULE["FilterModule"]().filters() | READING["FilterModule"]().filters()
NOTHING_SEEN = {
    **{"datastore": "", "live": {}, "wanted": {}, "answers": False, "api": ""},
    **{"foreign_tokens": [], "refused_tokens": [], "restore": ""},
}


def seen(**more: Any) -> dict[str, Any]:
    return {"k3s_server_seen": {**NOTHING_SEEN, **more}}


def findings(*machines: Mapping[str, Any]) -> list[str]:
    names = [f"m{number}" for number in range(1, len(machines) + 1)]
    return list(FILTERS["k3s_findings"](dict(zip(names, machines, strict=True)), names))


def test_what_servers_must_have_in_common_is_what_k3s_says() -> None:
    assert FLAGS["equal"] == MODULE["CRITICAL"]


def test_nothing_is_found_on_new_machines_and_on_members_that_agree() -> None:
    assert findings(seen(), seen(), seen()) == []
    wanted = {"secrets-encryption": True, "disable": ["traefik", "servicelb"]}
    member = seen(datastore="etcd", live={**wanted, "cluster-init": True}, wanted=wanted, answers=True)
    assert findings(member, member, seen(wanted=wanted)) == []


def test_a_cluster_is_not_founded_while_a_disk_was_not_looked_at() -> None:
    (finding,) = findings(seen(), {}, seen())
    assert "m2 can't be looked at" in finding
    assert findings(seen(), {}, seen(datastore="etcd")) == []
    assert findings(seen(answers=True), {}, seen()) == []


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (seen(datastore="sqlite"), "has a K3s of its own, on SQLite"),
        (seen(wanted={"flannel-backend": "host-gw"}), "flannel-backend is to be host-gw on m2 and vxlan on m1"),
        (
            seen(datastore="etcd", live={"secrets-encryption": True}),
            "secrets-encryption is True in the cluster that m2",
        ),
        (seen(datastore="etcd", live={"disable": "traefik,servicelb"}), "disable: servicelb is True in the cluster"),
        (
            seen(datastore="etcd", foreign_tokens=["token"]),
            "The token in the vault is not the one that the cluster on m2",
        ),
        (seen(api="https://a:6443", refused_tokens=["agent-token"]), "at https://a:6443 refuses the agent-token"),
    ],
)
def test_what_does_harm_is_found(machine: Mapping[str, Any], said: str) -> None:
    assert any(said in finding for finding in findings(seen(datastore="etcd"), machine))


def test_nothing_is_started_between_the_moving_aside_and_the_snapshot_of_a_restore() -> None:
    (finding,) = findings(seen(restore="started"), seen(restore="started"))
    assert "A restore was stopped on m1, m2" in finding
    assert findings(seen(restore="reset"), seen(restore="started")) == []


@pytest.mark.parametrize(
    ("content", "token"),
    [("K10abc::server:secret-of-mine\n", "secret-of-mine"), ("K10abc::node:agents\n", "agents"), ("", "")],
)
def test_the_password_of_a_stored_token(content: str, token: str) -> None:
    assert FILTERS["k3s_stored_token"](base64.b64encode(content.encode()).decode()) == token


def test_a_short_token_is_its_own_password() -> None:
    assert FILTERS["k3s_stored_token"](base64.b64encode(b"abc\n").decode()) == "abc"


MEMBERS = json.dumps({"members": [{"name": "m1-0a1b2c3d"}, {"name": "m2-0a1b2c3e", "isLearner": True}, {"ID": 7}]})


def test_who_is_a_member_with_a_vote() -> None:
    voter, member = FILTERS["k3s_is_voter"], FILTERS["k3s_is_member"]
    assert [voter(MEMBERS, name) for name in ("m1", "m2", "m", "m1-0a1b2c3d")] == [True, False, False, False]
    assert [member(MEMBERS, name) for name in ("m1", "m2", "m3")] == [True, True, False]
    assert FILTERS["k3s_voters"](MEMBERS, ["m1", "m2", "m3"]) == ["m1"]
    assert FILTERS["k3s_members"](MEMBERS) == {"m1": True, "m2": False}
    for answer in ("", "starting", "[]", '{"members": null}', '{"members": {}}'):
        assert not voter(answer, "m1")


def test_nodes_that_are_ready_and_labels_that_they_lack() -> None:
    ready = {
        "status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]}
    }
    assert FILTERS["k3s_is_ready"](ready)
    assert not FILTERS["k3s_is_ready"]({})
    nodes = {"items": [{"metadata": {"name": "m1", "labels": {"zone": "a"}}}, {"metadata": {"name": "w1"}}]}
    assert FILTERS["k3s_unlabelled"](nodes, {"m1": ["zone=a"], "w1": ["zone=a", "x=y"], "w2": ["zone=a"]}) == [
        {"name": "w1", "labels": ["zone=a", "x=y"]}
    ]


def test_nodes_are_read_once_for_all_who_ask() -> None:
    full: dict[str, Any] = {
        "metadata": {"name": "m1", "labels": {"zone": "a"}, "annotations": {"x": "y"}},
        "spec": {"unschedulable": True},
        "status": {"nodeInfo": {"kubeletVersion": "v1"}, "conditions": [{"type": "Ready", "status": "True"}]},
    }
    assert FILTERS["k3s_nodes"]({"items": [full, {"metadata": {"name": "w1"}}]}) == {
        "m1": {"ready": True, "release": "v1", "cordoned": True, "labels": {"zone": "a"}, "annotations": {"x": "y"}},
        "w1": {"ready": False, "release": "", "cordoned": False, "labels": {}, "annotations": {}},
    }
    ready_at = FILTERS["k3s_is_ready_at"]
    silent = {**full, "status": {**full["status"], "conditions": []}}
    assert [ready_at(full, "v1"), ready_at(full, "v2"), ready_at(silent, "v1"), ready_at({}, "v1")] == [
        True, False, False, False,
    ]  # fmt: skip


def test_servers_that_can_speak_for_the_cluster_begin_with_those_seen_ready() -> None:
    machines = {
        "m1": seen(),
        "m2": seen(datastore="etcd"),
        "m3": {**seen(datastore="etcd"), "k3s_server_ready": True},
        "m4": {},
    }
    assert FILTERS["k3s_ready_servers"](machines, list(machines)) == ["m3", "m2"]


class Tagged(str):
    """A text as Ansible hands it over."""


def test_a_kubeconfig_gets_its_address_and_names() -> None:
    own = {
        "clusters": [
            {"name": "default", "cluster": {"certificate-authority-data": "QQ==", "server": "https://127.0.0.1:6443"}}
        ],
        "users": [{"name": "default", "user": {"client-key-data": "Qg=="}}],
    }
    text = FILTERS["k3s_kubeconfig"](yaml.safe_dump(own), Tagged("https://10.0.0.1:6443"), Tagged("home"))
    made = yaml.safe_load(text)
    assert made["clusters"] == [
        {"name": "home", "cluster": {"certificate-authority-data": "QQ==", "server": "https://10.0.0.1:6443"}}
    ]
    assert made["current-context"] == "home"
    assert FILTERS["k3s_authority"](text) == "QQ=="
    for other in ("", "x", "{}", "clusters: []", "a: [", "clusters: [{cluster: {}}]"):
        assert FILTERS["k3s_authority"](other) == ""
