"""Rules about volumes: one StorageClass of the cluster is the default, as far as the trees tell.

A claim that names no class gets the default one: with two of them the newer one, with none it waits for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import mapping, sequence, text
from generator.checks.reading.source_files import INFRA
from generator.checks.reading.values import chart_values
from generator.checks.rule import rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.kubernetes_objects import KubernetesObject
    from generator.checks.reading.values import ChartValues
    from generator.checks.reading.yamlgo import Step
    from generator.findings import Flaw

_GROUP = "storage.k8s.io"
# Kubernetes still takes the older one for the same.
_MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
# What K3s brings unless it is told not to, and the name of that part.
_LOCAL_PATH, _LOCAL_STORAGE = "local-path", "local-storage"
_OVERRIDE = PurePosixPath("ansible/inventory/group_vars/k3s_servers/user.yml")
_DISABLE = "k3s_server_disable"


@dataclass(frozen=True)
class _Class:
    """A StorageClass.

    Attributes:
        name: Its name.
        default: Whether it is the default.
        source: What makes it.
        place: Where it is said there whether it is the default.
    """

    name: str
    default: bool
    source: KubernetesObject | ChartValues
    place: tuple[Step, ...]

    def flaw(self, message: str, *, fix: str) -> Flaw:
        """Return what is wrong with it."""
        return self.source.flaw(message, *self.place, fix=fix)


@rule("storage/default-class", "One StorageClass alone is the default.")
def default_class(inventory: Inventory) -> Iterator[Flaw]:
    """Compare the classes of manifests, of the charts that are known, and of K3s."""
    defaults = [found for found in _classes(inventory) if found.default]
    ours = [_LOCAL_PATH] if _of_k3s(inventory) else []
    names = [found.name for found in defaults] + ours
    for index, found in enumerate(defaults):
        if others := names[:index] + names[index + 1 :]:
            message = f"{found.name} is the default StorageClass, and so is {', '.join(others)}"
            fix = "Leave the mark to one of them."
            if _LOCAL_PATH in others and ours:
                fix = f"Leave the mark to one of them; K3s leaves its own out with {_LOCAL_STORAGE} in {_DISABLE}."
            yield found.flaw(message, fix=fix)


@rule(
    "storage/no-default-class", "Where K3s leaves its StorageClass out, another one is the default.", Severity.WARNING
)
def no_default_class(inventory: Inventory) -> Iterator[Flaw]:
    """Look for a default where K3s has none; a chart of one's own may bring it."""
    classes = list(_classes(inventory))
    if inventory.expected.plan and not _of_k3s(inventory) and not any(found.default for found in classes):
        for found in classes[:1]:
            message = "no StorageClass is the default: a claim that names none waits for ever"
            yield found.flaw(message, fix=f"Make {found.name} the default, or name a class in each claim.")


def _classes(inventory: Inventory) -> Iterator[_Class]:
    for item in inventory.deployed:
        if item.manifest.is_a(_GROUP, "StorageClass"):
            mark = _mark(item.manifest.annotations)
            place = ("metadata", "annotations", mark) if mark else ("metadata", "name")
            yield _Class(item.name, bool(mark), item.manifest, place)
    for values in chart_values(inventory):
        yield from _of_chart(values)


def _of_chart(values: ChartValues) -> Iterator[_Class]:
    """Yield the classes of the charts whose values say which is the default."""
    if values.chart == "longhorn" and values.get("persistence", "createStorageClass") is not False:
        place = ("persistence", "defaultClass")
        # Without a word of ours it is the default.
        default = values.get(*place) is not False
        yield _Class("longhorn", default, values, place)
    if values.chart == "csi-driver-nfs":
        for value in sequence(values.get("storageClasses")):
            found = mapping(value)
            default = bool(_mark(mapping(found.get("annotations"))))
            yield _Class(text(found.get("name")), default, values, ("storageClasses",))


def _mark(annotations: Mapping[str, Any]) -> str:
    """Return the annotation that makes a class the default; "" where there is none."""
    return next((mark for mark in _MARKS if annotations.get(mark) == "true"), "")


def _of_k3s(inventory: Inventory) -> bool:
    """Return whether K3s brings its own class, which it makes the default at each start; no where that is not known."""
    disabled = mapping(inventory.expected.plan.get("k3s")).get("disable")
    for file, documents in inventory.contents.others.items():
        if file.part == INFRA and file.path == _OVERRIDE:
            for document in documents:
                disabled = mapping(document.value).get(_DISABLE, disabled)
    return isinstance(disabled, list) and _LOCAL_STORAGE not in disabled
