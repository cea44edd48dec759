"""Custom resource definitions, made of the schemas of fmc's own checks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generator.checks

_SCHEMAS = Path(generator.checks.__file__).parent / "schema/data"


@dataclass(frozen=True)
class Group:
    """An API group.

    Attributes:
        name: Its name.
        version: The one version that is served.
        kinds: Its kinds; those that the checks know are as strict as there, the others take any specification.
        scope: Whether they lie in namespaces.
    """

    name: str
    version: str
    kinds: tuple[str, ...]
    scope: str = "Namespaced"

    def definitions(self) -> list[dict[str, Any]]:
        """Return the definition of each kind."""
        known: dict[str, Any] = json.loads((_SCHEMAS / f"{self.name}.json").read_bytes())["definitions"]
        return [self._definition(kind, known) for kind in self.kinds]

    def _definition(self, kind: str, known: dict[str, Any]) -> dict[str, Any]:
        singular = kind.lower()
        spec: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        if kind in known:
            spec = _structural(known[kind]["properties"]["spec"], known)
        schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec}}
        version = {"name": self.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{singular}s.{self.name}"},
            "spec": {
                "group": self.name,
                "scope": self.scope,
                "names": {"kind": kind, "listKind": f"{kind}List", "plural": f"{singular}s", "singular": singular},
                "versions": [version],
            },
        }


BUNDLES = Group("trust.cert-manager.io", "v1alpha1", ("Bundle",), "Cluster")
LONGHORN = Group("longhorn.io", "v1beta2", ("RecurringJob",))
TRAEFIK = Group(
    "traefik.io",
    "v1alpha1",
    (
        *("IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "Middleware", "MiddlewareTCP", "ServersTransport"),
        *("ServersTransportTCP", "TLSOption", "TLSStore", "TraefikService"),
    ),
)


def _structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema of the checks as the structural one that the API server takes: typed, without references."""
    if "$ref" in schema:
        # Kubernetes' own types are no definitions of a group: they take anything.
        return _structural(definitions.get(schema["$ref"].removeprefix("#/$defs/"), {}), definitions)
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
