"""The real kubeconform and the real kustomize, called as anybody would, on clones of what was pushed."""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.checks.schema.schemas import load_schemas
from tests.conftest import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.real_tools.conftest import Delivered

pytestmark = pytest.mark.tools
VERSION = "1.36"
# The kinds of Kubernetes's own that occur.
USED = {
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "LimitRange",
    "Namespace",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ResourceQuota",
    "Service",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
_TIMEOUT = 60


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Schemas for kubeconform: of Kubernetes's kinds as they are published, of the custom resources ours."""
    folder, schemas = tmp_path_factory.mktemp("schemas"), load_schemas(VERSION)
    published = _published()
    for key in schemas.kinds:
        api_version, kind = key.split(" ")
        group, _, version = api_version.rpartition("/")
        file = folder / (group or version) / f"{kind.lower()}_{version}.json"
        file.parent.mkdir(exist_ok=True)
        if group not in schemas.builtin_groups:
            file.write_text(json.dumps(schemas.of(api_version, kind)))
        elif kind in USED:
            file.write_text(json.dumps(published | {"$ref": f"#/$defs/{_definition(published, group, version, kind)}"}))
    return f"{folder}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"


def _published() -> dict[str, Any]:
    """Return the definitions of Kubernetes, in which no object has an unknown field."""
    package = find_spec("kubernetes_validate")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / f"kubernetes-json-schema/v{VERSION}.0-local-strict"
    document: dict[str, Any] = json.loads((folder / "_definitions.json").read_bytes())
    del document["$id"]
    return document


def _definition(published: dict[str, Any], group: str, version: str, kind: str) -> str:
    wanted = [{"group": group, "version": version, "kind": kind}]
    (name,) = (
        name for name, schema in published["$defs"].items() if schema.get("x-kubernetes-group-version-kind") == wanted
    )
    return str(name)


def objects(text: str) -> list[dict[str, Any]]:
    """Return the documents of a file, if those are objects of Kubernetes."""
    documents = [document for document in yaml.safe_load_all(text) if document is not None]
    return documents if all(isinstance(item, dict) and "apiVersion" in item for item in documents) else []


def kubeconform(location: str, files: Iterable[Path] = (), stdin: str = "") -> dict[str, Any]:
    """Run kubeconform, and return what it printed and its exit code."""
    options = ["-strict", "-summary", "-output", "json", "-schema-location", location]
    command = [str(require_tool("kubeconform")), *options, *map(str, files)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    return {**json.loads(done.stdout), "code": done.returncode}


def accepted(answer: dict[str, Any], count: int) -> None:
    """Require that kubeconform looked at each object, and found nothing."""
    summary = {"valid": count, "invalid": 0, "errors": 0, "skipped": 0}
    assert (answer.get("resources", []), answer["summary"], answer["code"]) == ([], summary, 0)


@pytest.mark.parametrize("part", ["argocd", "apps"])
def test_kubeconform_accepts_every_object(delivered: Delivered, location: str, part: str) -> None:
    found = {path: objects(path.read_text()) for path in sorted(delivered.clones[part].rglob("*.yaml"))}
    files = [path for path, documents in found.items() if documents]
    accepted(kubeconform(location, files), sum(map(len, found.values())))
    kinds = {document["kind"] for documents in found.values() for document in documents}
    expected = {
        "argocd": {"AppProject", "Application", "ApplicationSet", "Namespace", "NetworkPolicy", "SealedSecret"},
        "apps": {
            "Component",
            "Deployment",
            "HorizontalPodAutoscaler",
            "IngressRoute",
            "Kustomization",
            "NetworkPolicy",
        },
    }
    assert expected[part] <= kinds


def overlays(delivered: Delivered) -> list[Path]:
    return sorted(path.parent for path in delivered.clones["apps"].glob("apps/*/overlays/*/kustomization.yaml"))


def test_what_kustomize_builds_is_accepted_and_has_its_secret(delivered: Delivered, location: str) -> None:
    kustomize = str(require_tool("kustomize"))
    assert len(overlays(delivered)) == 2
    for overlay in overlays(delivered):
        built = subprocess.run(
            [kustomize, "build", str(overlay)], capture_output=True, text=True, check=True, timeout=_TIMEOUT
        ).stdout
        documents = objects(built)
        accepted(kubeconform(location, stdin=built), len(documents))
        (deployment,) = (item for item in documents if item["kind"] == "Deployment")
        namespace = deployment["metadata"]["namespace"]
        volumes = deployment["spec"]["template"]["spec"]["volumes"]
        mounted = [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]
        sealed = delivered.clones["argocd"] / "secrets" / namespace
        assert mounted == [path.name.removesuffix(".sealed.yaml") for path in sealed.iterdir()]


@pytest.mark.parametrize(
    ("old", "new"),
    [("replicas: 1", "replicas: one"), ("replicas: 1", "replica: 1"), ("kind: Deployment", "kind: Deploymant")],
)
def test_kubeconform_would_have_seen_a_mistake(delivered: Delivered, location: str, old: str, new: str) -> None:
    text = (delivered.clones["apps"] / "apps/hello/base/deployment.yaml").read_text()
    answer = kubeconform(location, stdin=text.replace(old, new))
    assert answer["code"] == 1
    assert answer["summary"]["valid"] == 0
