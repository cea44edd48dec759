"""Which Secrets manifests and values of charts read, and where each of them is named."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import mapping, sequence, text
from generator.checks.reading.values import chart_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.kubernetes_objects import KubernetesObject
    from generator.checks.reading.values import ChartValues
    from generator.checks.reading.yamlgo import Step

    Found = tuple[str, str, tuple[Step, ...]]
    """Name, namespace ("" for that of the object), and place of a reference."""

_TABLE = Path(__file__).with_name("chart-secrets.json")
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
# Texts that are the name of a Secret, in Kubernetes's own kinds, cert-manager's and Traefik's, and lists of them.
_TEXTS = frozenset({"secretName", "caSecret", "certSecret"})
_LISTS = frozenset({"secretNames", "certificatesSecrets", "rootCAsSecrets"})
_PULL = frozenset({"imagePullSecrets", "pullSecrets"})
_AUTH = frozenset({"basicAuth", "digestAuth"})
# Of these kinds a Secret is the product, not what they need.
_MADE = {("cert-manager.io", "Certificate"), ("bitnami.com", "SealedSecret"), ("", "Secret")}
# cert-manager looks for what a ClusterIssuer names in its own namespace, and makes the key of an account itself.
_CLUSTER_ISSUER = ("cert-manager.io", "ClusterIssuer", "cert-manager")
_ACCOUNT = "privateKeySecretRef"
# Its keys are the vault's, and the next one is named before the catalogue names it.
_CONTROLLER = "sealed-secrets"


@dataclass(frozen=True)
class SecretReference:
    """A place that names a Secret which has to be there.

    Attributes:
        namespace: Namespace of the Secret.
        name: Its name.
        owner: What names it: an object, or the values of a chart.
        path: Where, within that.
    """

    namespace: str
    name: str
    owner: KubernetesObject | ChartValues
    path: tuple[Step, ...]


def secret_references(inventory: Inventory) -> Iterator[SecretReference]:
    """Yield each place that names a Secret; those that may be absent (`optional: true`) are none.

    Args:
        inventory: What the trees hold and deploy.
    """
    for item in inventory.deployed:
        kind = (item.manifest.group, item.manifest.kind)
        if kind in _MADE:
            continue
        own = _CLUSTER_ISSUER[2] if kind == _CLUSTER_ISSUER[:2] else item.namespace
        for name, namespace, path in _named(item.manifest.value, (), in_manifest=True):
            if namespace or own:
                yield SecretReference(namespace or own, name, item.manifest, path)
    for values in chart_values(inventory):
        if values.chart == _CONTROLLER:
            continue
        found = [*_named(values.merged, (), in_manifest=False), *_of_table(values)]
        for name, namespace, path in dict.fromkeys(found):
            yield SecretReference(namespace or values.app.namespace, name, values, path)


def _of_table(values: ChartValues) -> Iterator[Found]:
    for path in _table().get(values.chart, ()):
        steps = tuple(path.split("."))
        if _NAME.fullmatch(name := text(values.get(*steps))):
            yield name, "", steps


@cache
def _table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = json.loads(_TABLE.read_bytes())
    return table


def _named(value: Any, path: tuple[Step, ...], *, in_manifest: bool) -> Iterator[Found]:
    """Yield the references in a value that may have any shape; names that a template makes are none."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _named(inner, (*path, index), in_manifest=in_manifest)
    elif isinstance(value, dict):
        for key, inner in value.items():
            here = (*path, key)
            direct = _direct(key, inner, here, in_manifest=in_manifest)
            if direct is not None:
                yield from (found for found in direct if _NAME.fullmatch(found[0]))
            elif key != _ACCOUNT:
                yield from _named(inner, here, in_manifest=in_manifest)


def _direct(key: str, inner: Any, here: tuple[Step, ...], *, in_manifest: bool) -> list[Found] | None:
    """Return the references that a key itself makes; None where it makes none, and what is below it may."""
    if key == "secret" and isinstance(inner, dict):
        return _object(inner, here, "secretName" if "secretName" in inner else "name")
    if key.endswith(("secretKeyRef", "secretRef", "SecretRef")) and key != _ACCOUNT:
        return _object(mapping(inner), here, "name")
    if key in _PULL:
        items = [mapping(item) or {"name": item} for item in sequence(inner)]
        return [found for index, item in enumerate(items) for found in _object(item, (*here, index), "name")]
    if key == "existingSecret" or (in_manifest and key in _TEXTS):
        return [(text(inner), "", here)]
    if in_manifest and key in _LISTS:
        return [(text(item), "", (*here, index)) for index, item in enumerate(sequence(inner))]
    if in_manifest and key in _AUTH and isinstance(mapping(inner).get("secret"), str):
        return [(inner["secret"], "", (*here, "secret"))]
    return None


def _object(reference: dict[str, Any], here: tuple[Step, ...], name: str) -> list[Found]:
    if reference.get("optional") is True:
        return []
    return [(text(reference.get(name)), text(reference.get("namespace")), (*here, name))]
