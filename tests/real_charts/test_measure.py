"""What rendered objects come to, and how a row is compared with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.real_charts.judge import _against_the_row
from tests.real_charts.measure import cluster_wide, cpu, memory, named_in, namespaces, requests
from tests.real_charts.render import Definitions, parsed, strict

ASKS = {"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}
ROW: dict[str, Any] = {
    "name": "sample",
    "namespace": "sample",
    "kinds": ["storage.k8s.io/StorageClass"],
    "requests": {"once": [200, 128], "node": [0, 0], "worker": [0, 0]},
    "seen": {"command": "kubectl get storageclass a", "what": "the class"},
}
CLASS = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "a"}}


def workload(kind: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "a", **more.pop("metadata", {})},
        "spec": {**more, "template": {"spec": spec}},
    }


def test_amounts_are_read_as_kubernetes_reads_them() -> None:
    assert [cpu(text) for text in ("100m", "1", 2, "0.5")] == [100, 1000, 2000, 500]
    assert [memory(text) for text in ("64Mi", "1Gi", "128M", 67108864)] == [64, 1024, 122, 64]
    with pytest.raises(ValueError, match="no amount"):
        memory("many")


def test_replicas_count_each() -> None:
    assert requests([workload("Deployment", {"containers": [ASKS]}, replicas=2)])["once"] == (200, 128)


def test_a_daemon_set_runs_on_each_node_that_it_tolerates() -> None:
    everywhere = {"containers": [ASKS], "tolerations": [{"operator": "Exists"}]}
    found = requests([workload("DaemonSet", {"containers": [ASKS]}), workload("DaemonSet", everywhere)])
    assert found == {"once": (0, 0), "node": (100, 64), "worker": (100, 64)}


def test_init_containers_count_where_they_ask_for_more_and_sidecars_always() -> None:
    first = {"resources": {"requests": {"cpu": "300m"}}}
    sidecar = {"restartPolicy": "Always", **ASKS}
    pod = {"containers": [ASKS], "initContainers": [first, sidecar]}
    assert requests([workload("StatefulSet", pod)])["once"] == (300, 128)


def test_a_limit_is_a_request_where_there_is_no_other() -> None:
    pod = {"containers": [{"resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "10m"}}}]}
    assert requests([workload("Deployment", pod)])["once"] == (10, 64)


def test_hooks_do_not_count() -> None:
    hook = workload("Deployment", {"containers": [ASKS]}, metadata={"annotations": {"helm.sh/hook": "post-install"}})
    assert requests([hook])["once"] == (0, 0)


def test_what_operators_make_counts_with_what_they_add() -> None:
    operator = workload(
        "Deployment",
        {"containers": [{"args": ["--config-reloader-cpu-request=5m", "--config-reloader-memory-request=16Mi"]}]},
    )
    server = {"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "a"}, "spec": ASKS}
    assert requests([operator, server])["once"] == (105, 80)


@pytest.mark.parametrize("share", ['"5"', r'"{\"v1\":\"5\"}"'])
def test_the_instance_managers_of_longhorn_count_with_their_share_of_a_worker(share: str) -> None:
    text = f"default-data-path: /a\nguaranteed-instance-manager-cpu: {share}\n"
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"default-setting.yaml": text},
    }
    assert requests([settings])["worker"] == (200, 0)


def test_scopes_come_from_kubernetes_and_from_definitions() -> None:
    own = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}
    scopes = {("example.com", "Thing"): "Cluster"}
    assert cluster_wide([CLASS, own], scopes) == {"storage.k8s.io/StorageClass", "example.com/Thing"}
    placed = workload("Deployment", {}, metadata={"namespace": "other"})
    assert namespaces([CLASS, own, placed, workload("Deployment", {})], "sample", scopes) == {"other", "sample"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({}, []),
        ({"kinds": []}, ["kinds lacks storage.k8s.io/StorageClass"]),
        ({"kinds": [*ROW["kinds"], "/Namespace"]}, ["kinds has /Namespace, which it does not make"]),
        ({"namespace": "more"}, []),
        (
            {"seen": {"command": "kubectl get storageclass b", "what": "the class"}},
            ["seen asks for storageclass/b, which it does not make"],
        ),
        ({"writes": ["more"]}, ["writes has more, where nothing of it lies"]),
        (
            {"requests": {**ROW["requests"], "once": [100, 64]}},
            ["requests.once is [100, 64], the rendered pods ask for [200, 128]"],
        ),
    ],
)
def test_a_row_that_says_something_else_is_told(tmp_path: Any, row: dict[str, Any], told: list[str]) -> None:
    objects = [CLASS, workload("Deployment", {"containers": [ASKS]}, replicas=2)]
    asked = requests(objects)
    assert _against_the_row(ROW | row, objects, asked, Definitions(tmp_path)) == told


def test_objects_in_a_namespace_that_the_row_does_not_have_are_told(tmp_path: Any) -> None:
    objects = [CLASS, workload("Deployment", {"containers": [ASKS]}, replicas=2, metadata={"namespace": "more"})]
    (told,) = _against_the_row(ROW, objects, requests(objects), Definitions(tmp_path))
    assert told == "it writes to more, which neither further nor writes has"
    assert (
        _against_the_row(ROW | {"further": {"more": "restricted"}}, objects, requests(objects), Definitions(tmp_path))
        == []
    )


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("kubectl --namespace a get deployments,statefulsets", []),
        ("kubectl --namespace a rollout status daemonset/b-c", [("daemonset", "b-c")]),
        ("kubectl get crd bs.example.com", [("customresourcedefinition", "bs.example.com")]),
    ],
)
def test_a_command_names_the_objects_that_have_to_be_there(command: str, named: list[tuple[str, str]]) -> None:
    assert named_in(command) == named


def test_a_lone_equals_sign_is_a_text() -> None:
    text = 'kind: Thing\nmetadata: {name: a}\nspec: [=, "=~"]\n'
    assert parsed(text) == [{"kind": "Thing", "metadata": {"name": "a"}, "spec": ["=", "=~"]}]


def test_hooks_for_tests_are_left_out() -> None:
    test = {"kind": "Pod", "metadata": {"name": "a", "annotations": {"helm.sh/hook": "test"}}}
    assert parsed(json.dumps(test)) == []


def test_a_definition_becomes_strict() -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"port": {"x-kubernetes-int-or-string": True, "type": "string"}}},
            "free": {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"a": {"type": "string"}},
            },
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "none": {"type": "string", "nullable": True},
        },
    }
    found = strict(schema, top=True)
    assert found["additionalProperties"] is False
    assert set(found["properties"]) >= {"apiVersion", "kind", "metadata", "spec"}
    spec = found["properties"]["spec"]
    assert (spec["additionalProperties"], spec["properties"]["port"]["anyOf"]) == (
        False,
        [{"type": "integer"}, {"type": "string"}],
    )
    assert "additionalProperties" not in found["properties"]["free"]
    assert found["properties"]["map"]["additionalProperties"] == {"type": "string"}
    assert found["properties"]["none"]["anyOf"][1] == {"type": "null"}


def test_an_equals_sign_is_a_text_as_in_the_definitions_of_alertmanager() -> None:
    (found,) = parsed("kind: A\nmetadata: {name: a}\nenum:\n- '!='\n- =\n")
    assert found["enum"] == ["!=", "="]
