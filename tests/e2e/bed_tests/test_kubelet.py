"""What the bed's kubelet reads in a pod: what it refers to, and which of its containers run for real."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.bed.programs import program_of
from tests.e2e.bed.references import Reference, references

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
