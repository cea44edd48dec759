"""The few objects that a drill makes itself; all others are those of the backup."""

from __future__ import annotations

import json

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACES = "/api/v1/namespaces"
_GROUP, _VERSION, _PLURAL = "bitnami.com", "v1alpha1", "sealedsecrets"


def definition() -> bytes:
    """Return the definition of SealedSecrets: that of the chart, without the schema of their fields."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": _VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    names = {"kind": "SealedSecret", "listKind": "SealedSecretList", "plural": _PLURAL, "singular": "sealedsecret"}
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{_PLURAL}.{_GROUP}"},
            "spec": {"group": _GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
        }
    ).encode()


def namespace(name: str) -> bytes:
    """Return a namespace."""
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).encode()


def sealed_secrets(namespace: str = "", name: str = "") -> str:
    """Return the path of SealedSecrets, of those of a namespace, or of one."""
    return (
        f"/apis/{_GROUP}/{_VERSION}/"
        + (f"namespaces/{namespace}/" if namespace else "")
        + _PLURAL
        + f"/{name}" * bool(name)
    )


def secrets(namespace: str, name: str = "") -> str:
    """Return the path of the Secrets of a namespace, or of one."""
    return f"{NAMESPACES}/{namespace}/secrets" + f"/{name}" * bool(name)
