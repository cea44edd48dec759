"""The apps part: a sample app that Kustomize builds and the strictest pod security admits, absent unless chosen."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import require_tool
from tests.image.bumping import PROGRAM
from tests.template.argocd_tree import HA, documents

sys.path.insert(0, str(PROGRAM.parent))
from writeback.image import Image
from writeback.kustomization import with_image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

ENVIRONMENTS = ("production", "staging")
_TIMEOUT = 120


@pytest.fixture(scope="module")
def apps(render: Render) -> Path:
    return render(HA, "apps")


def build(folder: Path) -> list[dict[str, Any]]:
    result = subprocess.run([require_tool("kustomize"), "build", folder], capture_output=True, text=True, check=True)
    return list(YAML(typ="safe").load_all(result.stdout))


@pytest.mark.tools
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_kustomize_builds_an_overlay_into_its_namespace(apps: Path, environment: str) -> None:
    objects = {item["kind"]: item for item in build(apps / f"apps/hello/overlays/{environment}")}
    scaled = {"HorizontalPodAutoscaler", "PodDisruptionBudget"} if environment == "production" else set()
    everywhere = {"ConfigMap", "Deployment", "IngressRoute", "NetworkPolicy", "PodMonitor", "Service"}
    assert set(objects) == everywhere | scaled
    assert {item["metadata"]["namespace"] for item in objects.values()} == {f"hello-{environment}"}

    deployment, service = objects["Deployment"]["spec"], objects["Service"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    assert service["selector"].items() <= labels.items()
    volumes = {volume["name"]: volume for volume in deployment["template"]["spec"]["volumes"]}
    assert volumes["source"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert re.fullmatch(r"hello-source-[a-z0-9]{10}", objects["ConfigMap"]["metadata"]["name"])
    (container,) = deployment["template"]["spec"]["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    assert re.fullmatch(r"docker\.io/library/python:[\w.-]+@sha256:[0-9a-f]{64}", container["image"])
    (route,) = objects["IngressRoute"]["spec"]["routes"]
    assert [item["name"] for item in route["services"]] == [objects["Service"]["metadata"]["name"]]

    ports = {port["name"] for port in container["ports"]}
    rules = objects["NetworkPolicy"]["spec"]["ingress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == ports
    assert objects["NetworkPolicy"]["spec"]["podSelector"] == deployment["selector"]
    monitor = objects["PodMonitor"]["spec"]
    assert monitor["selector"] == deployment["selector"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    (admitted,) = [rule["from"] for rule in rules if {"port": endpoint["port"]} in rule["ports"]]
    assert admitted == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    if scaled:
        assert "replicas" not in deployment
        assert objects["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "hello"
        assert objects["PodDisruptionBudget"]["spec"]["selector"] == deployment["selector"]


def test_without_monitoring_nobody_is_told_to_ask_for_metrics(render: Render) -> None:
    base = render(HA | {"components": ["traefik", "hello"]}, "apps") / "apps/hello/base"
    (kustomization,) = documents(base / "kustomization.yaml")
    assert sorted(kustomization["resources"]) == sorted(
        path.name for path in base.iterdir() if path.name != "kustomization.yaml"
    )
    assert "podmonitor.yaml" not in kustomization["resources"]


@pytest.mark.parametrize(("environment", "host"), [("production", "hello"), ("staging", "hello-staging")])
def test_an_overlay_answers_for_its_host_and_says_which_image_runs(apps: Path, environment: str, host: str) -> None:
    overlay = apps / f"apps/hello/overlays/{environment}"
    (route,) = documents(overlay / "ingressroute.yaml")
    assert route["spec"]["routes"][0]["match"] == f"Host(`{host}.home.example.com`)"
    (deployment,) = documents(apps / "apps/hello/base/deployment.yaml")
    (image,) = documents(overlay / "kustomization.yaml")[0]["images"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image["name"]
    text = (overlay / "kustomization.yaml").read_text()
    assert f'newTag: "{image["newTag"]}"' in text
    assert f'digest: "{image["digest"]}"' in text


@pytest.mark.tools
def test_an_image_that_was_bumped_is_what_kustomize_builds(apps: Path, tmp_path: Path) -> None:
    copy = tmp_path / "apps"
    shutil.copytree(apps, copy)
    overlay = copy / "apps/hello/overlays/production/kustomization.yaml"
    image = Image("registry.example.com/team/hello", "0123456", f"sha256:{1:064x}")
    overlay.write_text(with_image(overlay.read_text(), image, "hello", overlay.name))
    (deployment,) = (item for item in build(overlay.parent) if item["kind"] == "Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == str(image)


def test_the_pod_is_one_that_the_restricted_level_admits(apps: Path) -> None:
    (deployment,) = documents(apps / "apps/hello/base/deployment.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not any("hostPort" in port for port in container["ports"])
    assert {"readinessProbe", "livenessProbe"} <= set(container)
    assert {"requests", "limits"} == set(container["resources"])


def test_the_service_runs_as_the_deployment_says(apps: Path, tmp_path: Path) -> None:
    """Its command and its variables, with the mounts in a folder; then with an image's own service in front of it."""
    (deployment,) = documents(apps / "apps/hello/base/deployment.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "users")
    assert "subPath" not in mount
    for folder, name in ((mount["mountPath"], "password"), ("/first-run", "hello.py"), ("/app", ".empty")):
        (tmp_path / folder[1:]).mkdir(parents=True)
        (tmp_path / folder[1:] / name).write_text("s3cret")
    source = (apps / "sources/hello/hello.py").read_text()
    (tmp_path / "first-run/hello.py").write_text(source)
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    variables["PYTHONPATH"] = ":".join(f"{tmp_path}{path}" for path in variables["PYTHONPATH"].split(":"))
    variables |= {"HELLO_PORT": "0", "HELLO_METRICS_PORT": "0", "HELLO_DRAIN_SECONDS": "0"}
    # The file lies where the service looks for it by itself.
    default = re.search(r'"HELLO_PASSWORD_FILE", "(.+)"', source)
    assert default is not None
    assert default[1] == f"{mount['mountPath']}/password"
    variables["HELLO_PASSWORD_FILE"] = f"{tmp_path}{default[1]}"
    program = [sys.executable, *container["command"][1:]]
    process = subprocess.Popen(program, env=variables, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[3].rstrip(","))
        probes = {container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
        for path in probes:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                assert answer.status == 200
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()

    (tmp_path / "app/hello.py").write_text("print('built')\n")
    built = subprocess.run(program, env=variables, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert built.stdout == "built\n"


def test_the_tests_of_the_sample_pass(apps: Path) -> None:
    folder = apps / "sources/hello"
    # The tests start the service as a process of its own, which is not to leave bytecode in the tree either.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "unittest"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=_TIMEOUT
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"Ran \d+ tests", done.stderr)


def test_the_image_is_made_as_the_deployment_expects(apps: Path) -> None:
    (deployment,) = documents(apps / "apps/hello/base/deployment.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    lines = (apps / "sources/hello/Dockerfile").read_text().splitlines()
    (base,) = (line.split()[1] for line in lines if line.startswith("FROM "))
    (image,) = documents(apps / "apps/hello/overlays/staging/kustomization.yaml")[0]["images"]
    assert base == f"{image['newName']}:{image['newTag']}@{image['digest']}"
    identity = pod["securityContext"]
    assert f"USER {identity['runAsUser']}:{identity['runAsGroup']}" in lines
    assert f"EXPOSE {' '.join(str(port['containerPort']) for port in container['ports'])}" in lines
    assert f"ENTRYPOINT {json.dumps(container['command'])}" in lines
    # What the context holds is what is copied, and no more.
    copied = {line.split()[-2] for line in lines if line.startswith("COPY ")}
    assert (apps / "sources/hello/.dockerignore").read_text().split() == ["*", *(f"!{name}" for name in copied)]


def test_without_hello_nothing_of_it_is_rendered(render: Render) -> None:
    argocd, apps = (render(HA | {"components": ["traefik"]}, part) for part in ("argocd", "apps"))
    for root in (argocd, apps):
        assert [path for path in root.rglob("*") if "hello" in path.name] == []
        yaml_files = [path for path in root.rglob("*.yaml") if "hello" in path.read_text()]
        assert yaml_files == []
    assert (apps / "README.md").is_file()
