"""The apps part: a sample app that Kustomize builds and the strictest pod security admits, absent unless chosen."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import require_tool
from tests.template.argocd_tree import HA, documents

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

ENVIRONMENTS = ("production", "staging")


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
    assert set(objects) == {"ConfigMap", "Deployment", "IngressRoute", "Service"}
    assert {item["metadata"]["namespace"] for item in objects.values()} == {f"hello-{environment}"}

    deployment, service = objects["Deployment"]["spec"], objects["Service"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    assert service["selector"].items() <= labels.items()
    volumes = {volume["name"]: volume for volume in deployment["template"]["spec"]["volumes"]}
    assert volumes["site"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert re.fullmatch(r"hello-[a-z0-9]{10}", objects["ConfigMap"]["metadata"]["name"])
    (container,) = deployment["template"]["spec"]["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    (route,) = objects["IngressRoute"]["spec"]["routes"]
    assert [item["name"] for item in route["services"]] == [objects["Service"]["metadata"]["name"]]


@pytest.mark.parametrize(("environment", "host"), [("production", "hello"), ("staging", "hello-staging")])
def test_an_overlay_answers_for_its_host_and_says_which_tag_runs(apps: Path, environment: str, host: str) -> None:
    overlay = apps / f"apps/hello/overlays/{environment}"
    (route,) = documents(overlay / "ingressroute.yaml")
    assert route["spec"]["routes"][0]["match"] == f"Host(`{host}.home.example.com`)"
    (deployment,) = documents(apps / "apps/hello/base/deployment.yaml")
    (image,) = documents(overlay / "kustomization.yaml")[0]["images"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].startswith(image["name"] + ":")
    assert f'newTag: "{image["newTag"]}"' in (overlay / "kustomization.yaml").read_text()
    assert image["newTag"] != "latest"


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


def test_the_server_reads_the_password_where_the_secret_is_mounted(apps: Path) -> None:
    (deployment,) = documents(apps / "apps/hello/base/deployment.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    configuration = (apps / "apps/hello/base/default.conf").read_text()
    assert f"auth_basic_user_file {mounts['users']['mountPath']}/users;" in configuration
    assert "subPath" not in mounts["users"]


def test_without_hello_nothing_of_it_is_rendered(render: Render) -> None:
    argocd, apps = (render(HA | {"components": ["traefik"]}, part) for part in ("argocd", "apps"))
    for root in (argocd, apps):
        assert [path for path in root.rglob("*") if "hello" in path.name] == []
        yaml_files = [path for path in root.rglob("*.yaml") if "hello" in path.read_text()]
        assert yaml_files == []
    assert (apps / "README.md").is_file()
