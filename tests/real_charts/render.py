"""Renders a chart as Argo CD does, and holds what comes out against the schemas of all kinds."""

from __future__ import annotations

import copy
import json
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from generator.checks.schema.schemas import load_schemas
from generator.tools.kubeconform import run_kubeconform
from tests.conftest import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from generator.tools.kubeconform import KubeconformVerdict
    from tests.real_charts.source import Chart
    from tests.template.components import Row

Object = dict[str, Any]
KUBERNETES = "v1.36.4"
_MINOR = "1.36"
_TIMEOUT = 120
# What charts ask the cluster for: charts that find it absent render something else, or nothing, or fail.
API_VERSIONS = (
    "policy/v1/PodDisruptionBudget",
    "monitoring.coreos.com/v1",
    "monitoring.coreos.com/v1/ServiceMonitor",
    "monitoring.coreos.com/v1/PodMonitor",
    "monitoring.coreos.com/v1/PrometheusRule",
    "traefik.io/v1alpha1",
    "cert-manager.io/v1",
)
_CRD = "CustomResourceDefinition"


class RenderError(Exception):
    """helm refused the values; the text is what it said."""


def render_text(row: Row, chart: Chart, values: Mapping[str, Any], work: Path) -> str:
    """Return what helm makes of a chart.

    Raises:
        RenderError: It made nothing.
    """
    file = work / "values.json"
    file.write_text(json.dumps(values))
    command = [str(require_tool("helm")), "template", ".", "--name-template", row["name"]]
    command += ["--namespace", row["namespace"], "--kube-version", KUBERNETES, "--include-crds", "--values", str(file)]
    command += [part for version in API_VERSIONS for part in ("--api-versions", version)]
    done = subprocess.run(command, cwd=chart.folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    if done.returncode:
        raise RenderError(done.stderr.strip())
    return done.stdout


def parsed(text: str) -> list[Object]:
    """Return the objects of a rendered text; hooks for tests, which Argo CD leaves out, are none of them."""
    documents = (item for item in yaml.load_all(text, _Loader) if item)
    return [item for item in documents if not _is_test(item)]


def _is_test(item: Object) -> bool:
    hooks = (item["metadata"].get("annotations") or {}).get("helm.sh/hook", "")
    return bool({"test", "test-success"} & {hook.strip() for hook in hooks.split(",")})


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it, to which a lone `=` is a text as any other."""


_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:value"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class Definitions:
    """Schemas for kubeconform: of custom resources those that charts bring, else those of fmc's own checks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schemas = load_schemas(_MINOR)
        self._written: set[str] = set()
        self.scopes: dict[tuple[str, str], str] = {}

    def add(self, objects: Iterable[Object]) -> None:
        """Learn the kinds that definitions among some objects define."""
        for item in objects:
            if item["kind"] == _CRD:
                group, names = item["spec"]["group"], item["spec"]["names"]
                self.scopes[group, names["kind"]] = item["spec"]["scope"]
                for version in item["spec"]["versions"]:
                    schema = strict(version["schema"]["openAPIV3Schema"], top=True)
                    self._write(f"{group}/{version['name']}", names["kind"], schema)

    def _write(self, api_version: str, kind: str, schema: object) -> None:
        group, _, version = api_version.rpartition("/")
        file = self._folder / (group or version) / f"{kind.lower()}_{version}.json"
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(json.dumps(schema))
        self._written.add(f"{api_version} {kind}")

    def faults(self, objects: Sequence[Object], work: Path) -> list[str]:
        """Return what is wrong with objects, one line each; a kind without a definition is a fault."""
        known, faults = [], []
        for item in objects:
            key = f"{item['apiVersion']} {item['kind']}"
            if key not in self._written and self._schemas.has(item["apiVersion"], item["kind"]):
                self._write(item["apiVersion"], item["kind"], self._schemas.of(item["apiVersion"], item["kind"]))
            if key in self._written:
                known.append(item)
            else:
                faults.append(f"there is no definition of {key}")
        file = work / "objects.yaml"
        file.write_text(yaml.dump_all(known, Dumper=yaml.CSafeDumper))
        location = f"{self._folder}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"
        program = require_tool("kubeconform")
        verdicts: list[KubeconformVerdict] = run_kubeconform(
            program, {file: len(known)}, schema_location=location, kubernetes_version=f"{_MINOR}.0"
        )
        faults += [f"{one.kind} {one.name}: {one.message}" for one in verdicts if not one.valid]
        return sorted(set(faults))


def strict(schema: Any, *, top: bool = False) -> Any:
    """Return the schema of a definition as a JSON schema in which an object has no field that is not listed."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(item) for key, item in schema.items() if key not in ("properties", "default", "format")}
    if isinstance(schema.get("properties"), dict):
        properties = {name: strict(item) for name, item in schema["properties"].items()}
        if top or schema.get("x-kubernetes-embedded-resource"):
            properties |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
        result["properties"] = properties
        if "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            result["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if schema.get("nullable"):
        return {"anyOf": [result, {"type": "null"}]}
    return copy.copy(result)
