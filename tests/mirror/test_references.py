"""Images are found wherever objects name them, and nothing else is taken for one."""

from __future__ import annotations

from typing import Any

import pytest

from generator.mirror.references import images_of, whole

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("redis", "docker.io/library/redis:latest"),
        ("redis:7", "docker.io/library/redis:7"),
        ("longhornio/longhorn-ui:v1.12.1", "docker.io/longhornio/longhorn-ui:v1.12.1"),
        ("quay.io/argoproj/argocd:v3.5.7", "quay.io/argoproj/argocd:v3.5.7"),
        ("registry.example.com:5000/a/b:1", "registry.example.com:5000/a/b:1"),
        (f"quay.io/a/b@{DIGEST}", f"quay.io/a/b@{DIGEST}"),
        (f"quay.io/a/b:v1@{DIGEST}", f"quay.io/a/b:v1@{DIGEST}"),
        ("Not/A:reference", ""),
        ("a b", ""),
    ],
)
def test_a_short_reference_is_written_out(short: str, long: str) -> None:
    assert whole(short) == long


def configuration(text: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": {"text": text}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # As the charts have them: an argument, a variable of two images, JCasC, a custom resource's text.
        (
            "--acme-http01-solver-image=quay.io/jetstack/cert-manager-acmesolver:v1.21.2",
            ["quay.io/jetstack/cert-manager-acmesolver:v1.21.2"],
        ),
        ("longhornio/csi-attacher:v4.12.0-20260701", ["docker.io/longhornio/csi-attacher:v4.12.0-20260701"]),
        (
            '- image: "jenkins/inbound-agent:3385.vf1123fb_515da_-1"\n',
            ["docker.io/jenkins/inbound-agent:3385.vf1123fb_515da_-1"],
        ),
        (f"with moby/buildkit@{DIGEST}.", [f"docker.io/moby/buildkit@{DIGEST}"]),
        ("a quay.io/a/b:v1, and quay.io/a/c:v2", ["quay.io/a/b:v1", "quay.io/a/c:v2"]),
        # What looks alike.
        ("http://prometheus.monitoring.svc:9090/api/v1", []),
        ("monitoring/grafana:3000", []),
        ("storage.example.com:2049", []),
        ("at 2026-08-21T12:30:45 in /var/log/a:b", []),
        ("https://github.com/a/b:v1", []),
        ("rate(node_cpu_seconds_total[5m])/on(instance):1.5", []),
        ("user@host.example.com:22", []),
    ],
)
def test_a_text_names_images_by_registry_or_path_and_version(text: str, found: list[str]) -> None:
    assert images_of([configuration(text)]) == found


def test_a_field_called_image_is_one_whatever_its_form() -> None:
    pod = {
        "spec": {
            "containers": [{"image": "redis:7"}, {"image": "busybox"}],
            "volumes": [{"image": {"reference": "quay.io/a/b:v1"}}],
        }
    }
    assert images_of([{"kind": "Pod", **pod}]) == [
        "docker.io/library/busybox:latest",
        "docker.io/library/redis:7",
        "quay.io/a/b:v1",
    ]


def test_each_image_is_told_once_and_definitions_are_left_out() -> None:
    definition = {"kind": "CustomResourceDefinition", "spec": {"description": "e.g. quay.io/a/example:v1"}}
    text = configuration("quay.io/a/b:v1 quay.io/a/b:v1")
    assert images_of([definition, text, text]) == ["quay.io/a/b:v1"]
