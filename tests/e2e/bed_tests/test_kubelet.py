"""What the bed's kubelet reads in a pod: what it refers to, and which of its containers run for real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from tests.e2e.bed.api import Api
from tests.e2e.bed.container import Container
from tests.e2e.bed.errors import BedError
from tests.e2e.bed.kubelet import Kubelet
from tests.e2e.bed.programs import Program, program_of
from tests.e2e.bed.references import Reference, references
from tests.e2e.bed.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

ARGOCD = "quay.io/argoproj/argocd:v3.5.7"
SPEC: dict[str, Any] = {
    "volumes": [
        {"name": "a", "secret": {"secretName": "mounted", "items": [{"key": "tls.crt", "path": "x"}]}},
        {"name": "b", "configMap": {"name": "settings"}},
        {"name": "c", "secret": {"secretName": "may-be-absent", "optional": True}},
        {"name": "d", "projected": {"sources": [{"secret": {"name": "projected"}}, {"downwardAPI": {}}]}},
        {"name": "e", "emptyDir": {}},
    ],
    "initContainers": [{"name": "i", "env": [{"name": "A", "value": "plain"}]}],
    "containers": [
        {
            "name": "c",
            "envFrom": [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "gone", "optional": True}}],
            "env": [
                {"name": "P", "valueFrom": {"secretKeyRef": {"name": "one", "key": "password"}}},
                {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
        }
    ],
}


def test_a_pod_refers_to_what_is_not_optional() -> None:
    assert set(references(SPEC)) == {
        Reference("Secret", "mounted", ("tls.crt",)),
        Reference("ConfigMap", "settings"),
        Reference("Secret", "projected"),
        Reference("Secret", "all"),
        Reference("Secret", "one", ("password",)),
    }


def test_what_is_missing_is_named() -> None:
    wanted = Reference("Secret", "one", ("password",))
    assert wanted.missing_in(None) == "Secret one"
    assert wanted.missing_in({"data": {"user": "eA=="}}) == "Secret one: password"
    assert wanted.missing_in({"data": {"password": "eA=="}}) is None


@pytest.mark.parametrize(
    ("image", "command", "arguments", "expected"),
    [
        (ARGOCD, [], ["/usr/local/bin/argocd-server", "--port=8080"], ("argocd", "argocd-server", ["--port=8080"])),
        (f"mirror:5000/argoproj/argocd@sha256:{'0' * 64}", ["argocd", "admin"], [], ("argocd", "argocd", ["admin"])),
        ("redis:8.2-alpine", [], ["--save", ""], ("redis-server", "redis-server", ["--save", ""])),
        (
            "docker.io/bitnami/sealed-secrets-controller:0.40.0",
            ["controller"],
            ["--update-status"],
            ("sealed-secrets-controller", "controller", ["--update-status"]),
        ),
    ],
)
def test_images_that_run_for_real(
    image: str, command: list[str], arguments: list[str], expected: tuple[str, str, list[str]]
) -> None:
    found = program_of(image, command, arguments)
    assert found is not None
    program, called, words = found
    assert (program.executable, called, words) == expected


@pytest.mark.parametrize(
    ("image", "command"), [("docker.io/library/nginx:1", []), (ARGOCD, ["sh", "-c", "cp /x /y"]), ("argocd-x:1", [])]
)
def test_what_is_simulated(image: str, command: list[str]) -> None:
    assert program_of(image, command, []) is None


@pytest.mark.parametrize("error", [BedError("no"), FileExistsError("no"), ProcessLookupError("no"), KeyError("no")])
def test_a_round_that_fails_is_told_and_the_next_one_follows(error: Exception, tmp_path: Path) -> None:
    api = Mock(spec=Api)
    api.objects.side_effect = error
    kubelet = Kubelet(tmp_path, api, {}, tmp_path)
    kubelet.start()
    try:
        wait_for("the error", lambda: "no" in "".join(map(str, kubelet.waiting)), timeout=5)
        api.objects.side_effect = None
        api.objects.return_value = []
        wait_for("the next round", lambda: not kubelet.waiting, timeout=5)
    finally:
        kubelet.stop()


def pending(name: str, owner: str) -> dict[str, Any]:
    """Return a pod that a node has, and that waits to run."""
    return {
        "metadata": {"namespace": "n", "name": name, "uid": name, "ownerReferences": [{"uid": owner}]},
        "spec": {"nodeName": "worker1", "containers": []},
        "status": {"phase": "Pending"},
    }


@pytest.mark.parametrize(
    ("owners", "started"), [(("one", "one"), 1), (("one", "another"), 2)], ids=["one owner", "two owners"]
)
def test_of_the_pods_of_one_owner_one_runs_and_stands_for_all(
    owners: tuple[str, str], started: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share one loopback: the program of the second one would want the ports of the first."""
    starts: list[str] = []

    def of(pod: dict[str, Any], *_: object) -> Mock:
        container = Mock(called="webhook", program=Program("webhook", ready=lambda: True), pod=pod, alive=True)
        container.start.side_effect = lambda: starts.append(pod["metadata"]["name"])
        return container

    monkeypatch.setattr(Container, "of", of)
    pods = [pending("first", owners[0]), pending("second", owners[1])]
    api = Mock(spec=Api)
    api.objects.side_effect = lambda kind, namespace=None: pods if kind == "Pod" else []
    kubelet = Kubelet(tmp_path, api, {}, tmp_path)
    kubelet.start()
    try:
        wait_for("both pods to run", lambda: {call.args[2] for call in api.patch.call_args_list} == {"first", "second"})
    finally:
        kubelet.stop()
    assert len(set(starts)) == started
