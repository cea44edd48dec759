"""What rendered objects come to: what their pods ask for, where they lie, and which of them have no namespace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.real_charts.render import Object
    from tests.template.components import Row

# Thousandths of a CPU and MiB.
Pair = tuple[int, int]
PLACES = ("once", "node", "worker")

# Kinds of Kubernetes itself without a namespace, as group/Kind; of others their definitions say it.
CLUSTER_WIDE = {
    "/Namespace",
    "/PersistentVolume",
    "admissionregistration.k8s.io/MutatingWebhookConfiguration",
    "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
    "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/CustomResourceDefinition",
    "apiregistration.k8s.io/APIService",
    "cert-manager.io/ClusterIssuer",
    "networking.k8s.io/IngressClass",
    "rbac.authorization.k8s.io/ClusterRole",
    "rbac.authorization.k8s.io/ClusterRoleBinding",
    "scheduling.k8s.io/PriorityClass",
    "storage.k8s.io/CSIDriver",
    "storage.k8s.io/StorageClass",
    "storage.k8s.io/VolumeSnapshotClass",
    "trust.cert-manager.io/Bundle",
}
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_UNITS = {
    "": 1 / 2**20,
    "Ki": 1 / 1024,
    "Mi": 1,
    "Gi": 1024,
    "Ti": 2**20,
    "k": 1e3 / 2**20,
    "M": 1e6 / 2**20,
    "G": 1e9 / 2**20,
}
_SPELLED = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")
# Operators make the pods of these; what they add to them is told to the operator.
_OPERATED = {"Prometheus", "Alertmanager"}
_RELOADER = re.compile(r"--config-reloader-(cpu|memory)-request=(\S+)")
_RELOADER_DEFAULT = ("10m", "50Mi")
# Longhorn's manager makes a pod on each of its nodes that asks for a share of the node's CPUs: of those of a worker.
_SHARE = re.compile(r"guaranteed-instance-manager-cpu: (?:.*?\bv1\W+|\W*)(\d+)")
_WORKER_CPU = 4000


def kind_of(item: Object) -> str:
    """Return group/Kind."""
    group = item["apiVersion"].rpartition("/")[0]
    return f"{group}/{item['kind']}"


def cluster_wide(objects: Iterable[Object], scopes: Mapping[tuple[str, str], str]) -> set[str]:
    """Return the kinds among objects that have no namespace.

    Args:
        objects: They.
        scopes: That of custom kinds, by group and kind, as their definitions say.
    """
    kinds = {kind_of(item) for item in objects}
    return {kind for kind in kinds if kind in CLUSTER_WIDE or scopes.get(_pair(kind)) == "Cluster"}


def namespaces(objects: Iterable[Object], own: str, scopes: Mapping[tuple[str, str], str]) -> set[str]:
    """Return the namespaces that objects lie in.

    Args:
        objects: They.
        own: Where those without a word about it go.
        scopes: As above.
    """
    return {item["metadata"].get("namespace") or own for item in objects if not cluster_wide([item], scopes)}


def _pair(kind: str) -> tuple[str, str]:
    group, _, name = kind.partition("/")
    return group, name


def named_in(command: str) -> list[tuple[str, str]]:
    """Return kind and name of the objects that a command of kubectl names, as `KIND/NAME` or `KIND NAME`."""
    named = re.findall(r"\b(crd|daemonset|deployment|statefulset|storageclass)[/ ]([a-z0-9.-]+)", command)
    return [("customresourcedefinition" if kind == "crd" else kind, name) for kind, name in named]


def cpu(text: object) -> int:
    """Return thousandths of a CPU."""
    spelled = str(text)
    return round(float(spelled.removesuffix("m")) * (1 if spelled.endswith("m") else 1000))


def memory(text: object) -> int:
    """Return MiB."""
    match = _SPELLED.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text} is no amount of memory")
    return round(float(match[1]) * _UNITS[match[2]])


def requests(objects: Iterable[Object]) -> dict[str, Pair]:
    """Return what the pods of objects ask for: once for the cluster, on each node, on each that takes pods."""
    items = list(objects)
    sums = dict.fromkeys(PLACES, (0, 0))
    reloader = _reloader(items)
    for item in items:
        if "helm.sh/hook" in (item["metadata"].get("annotations") or {}):
            continue
        for place, asked in _of(item, reloader):
            sums[place] = (sums[place][0] + asked[0], sums[place][1] + asked[1])
    return sums


def largest(measured: Iterable[Mapping[str, Pair]]) -> dict[str, Pair]:
    """Return the largest of several, place by place."""
    every = list(measured)
    return {place: (max(one[place][0] for one in every), max(one[place][1] for one in every)) for place in PLACES}


def of_row(row: Row) -> dict[str, Pair]:
    """Return what a row says."""
    return {place: (row["requests"][place][0], row["requests"][place][1]) for place in PLACES}


def _of(item: Object, reloader: Pair) -> Iterator[tuple[str, Pair]]:
    spec = item.get("spec") or {}
    if item["kind"] in ("Deployment", "StatefulSet"):
        asked = _pod(spec["template"]["spec"])
        replicas = spec.get("replicas", 1)
        yield "once", (asked[0] * replicas, asked[1] * replicas)
    elif item["kind"] == "DaemonSet":
        pod = spec["template"]["spec"]
        yield ("node" if _goes_everywhere(pod) else "worker"), _pod(pod)
    elif item["kind"] in _OPERATED:
        own = _container(spec)
        replicas = spec.get("replicas", 1)
        yield "once", ((own[0] + reloader[0]) * replicas, (own[1] + reloader[1]) * replicas)
    elif item["kind"] == "ConfigMap":
        for share in _SHARE.findall("\n".join((item.get("data") or {}).values())):
            yield "worker", (_WORKER_CPU * int(share) // 100, 0)


def _goes_everywhere(pod: Object) -> bool:
    tolerations = pod.get("tolerations", [])
    return any(
        (one.get("operator") == "Exists" and not one.get("key")) or one.get("key") == _CONTROL_PLANE
        for one in tolerations
    )


def _pod(spec: Object) -> Pair:
    """Return what a pod asks for; init containers run one after the other, before the others."""
    own = [_container(one) for one in spec.get("containers", [])]
    sidecars = [_container(one) for one in spec.get("initContainers", []) if one.get("restartPolicy") == "Always"]
    first = [_container(one) for one in spec.get("initContainers", []) if one.get("restartPolicy") != "Always"]
    running = [sum(one[index] for one in (*own, *sidecars)) for index in (0, 1)]
    return (max([running[0], *(one[0] for one in first)]), max([running[1], *(one[1] for one in first)]))


def _container(spec: Object) -> Pair:
    resources = spec.get("resources") or {}
    # Without a request Kubernetes takes the limit for one.
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return cpu(asked.get("cpu", 0)), memory(asked.get("memory", 0))


def _reloader(items: Iterable[Object]) -> Pair:
    """Return what the operator's reloader asks for, which is in each pod that the operator makes."""
    told: dict[str, Any] = {}
    for item in items:
        if item["kind"] == "Deployment":
            for container in item["spec"]["template"]["spec"]["containers"]:
                told.update(_RELOADER.findall(" ".join(container.get("args", []))))
    return cpu(told.get("cpu", _RELOADER_DEFAULT[0])), memory(told.get("memory", _RELOADER_DEFAULT[1]))
