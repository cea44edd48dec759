"""Completes a stand-in chart with what is not kept here: custom resource definitions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import generator.checks

CHARTS = Path(__file__).parent
GENERIC = "any"
# Traefik's kinds; those that fmc renders nothing of take any specification.
_TRAEFIK_KINDS = (
    "IngressRoute",
    "IngressRouteTCP",
    "IngressRouteUDP",
    "Middleware",
    "MiddlewareTCP",
    "ServersTransport",
    "ServersTransportTCP",
    "TLSOption",
    "TLSStore",
    "TraefikService",
)


def assemble(name: str, destination: Path, argocd: Path) -> Path:
    """Copy a stand-in chart and complete it, ready for `helm package --version VERSION`.

    Args:
        name: `argo-cd`, `traefik` or `probe`; any other one gets the generic stand-in, under that name.
        destination: The folder that gets the chart's folder.
        argocd: A folder with Argo CD's own definitions, `manifests/crds` of its sources.

    Returns:
        The chart's folder.

    Raises:
        FileNotFoundError: There are no definitions in that folder.
    """
    chart = destination / name
    shutil.copytree(CHARTS / name if has_own(name) else CHARTS / GENERIC, chart)
    if not has_own(name):
        described = chart / "Chart.yaml"
        described.write_text(described.read_text().replace(f"name: {GENERIC}\n", f"name: {name}\n"))
    if name == "argo-cd":
        files = chart / "crds-files"
        files.mkdir()
        for kind in ("application", "appproject", "applicationset"):
            # Not copytree: Go's module cache is read-only, and so would be the copy.
            shutil.copyfile(argocd / f"{kind}-crd.yaml", files / f"{kind}-crd.yaml")
    elif name == "traefik":
        (chart / "crds").mkdir()
        definitions = (json.dumps(definition) for definition in traefik_definitions())
        (chart / "crds/traefik.io.yaml").write_text("\n---\n".join(definitions))
    return chart


def has_own(name: str) -> bool:
    """Return whether a chart has a stand-in of its own here, which reads the values that fmc renders for it."""
    return (CHARTS / name / "Chart.yaml").exists()


def traefik_definitions() -> list[dict[str, Any]]:
    """Return Traefik's definitions, with the fields that fmc's own checks know."""
    path = Path(generator.checks.__file__).parent / "schema/data/traefik.io.json"
    definitions: dict[str, Any] = json.loads(path.read_bytes())["definitions"]
    return [_definition(kind, definitions) for kind in _TRAEFIK_KINDS]


def _definition(kind: str, definitions: dict[str, Any]) -> dict[str, Any]:
    singular = kind.lower()
    spec: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    if kind in definitions:
        spec = _structural(definitions[kind]["properties"]["spec"], definitions)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{singular}s.traefik.io"},
        "spec": {
            "group": "traefik.io",
            "scope": "Namespaced",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": f"{singular}s", "singular": singular},
            "versions": [
                {
                    "name": "v1alpha1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {"spec": spec}}
                    },
                }
            ],
        },
    }


def _structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema of the checks as the structural one that the API server takes: typed, without references."""
    if "$ref" in schema:
        return _structural(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    result = dict(schema)
    if isinstance(schema.get("type"), list):
        del result["type"]
        result["x-kubernetes-int-or-string"] = True
    elif "enum" in schema:
        result["type"] = "string"
    elif "properties" in schema:
        result["type"] = "object"
        result["properties"] = {key: _structural(item, definitions) for key, item in schema["properties"].items()}
    elif "items" in schema:
        result["items"] = _structural(schema["items"], definitions)
    elif schema.get("type", "object") == "object" and "additionalProperties" not in schema:
        result |= {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return result
