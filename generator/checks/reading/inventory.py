"""What the trees deploy: each object with the namespace and the name that it has in the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.checks.reading.applications import Application, Place
from generator.checks.reading.applicationsets import all_applications, stated_applications
from generator.checks.reading.kubernetes_objects import KubernetesObject, text
from generator.checks.reading.kustomize import Kustomization
from generator.checks.reading.source_locator import SourceLocator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import PurePosixPath

    from generator.checks.expected import Expected
    from generator.checks.reading.contents import Contents
    from generator.checks.reading.source_files import SourceFile

_Kustomizations = dict[Place, Kustomization]

CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CSIDriver",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttributesClass",
    }
)
"""Kinds of Kubernetes that lie in no namespace and may stand in a repository."""


@dataclass(frozen=True)
class Deployed:
    """An object in the cluster.

    Attributes:
        manifest: Where it is described.
        namespace: Its namespace; "" for one that has none, or that only the cluster knows.
        name: Its name.
        application: The Application that deploys it, where one of the trees does.
        kustomizations: The kustomization that nothing includes and that includes it, and what that one includes.
    """

    manifest: KubernetesObject
    namespace: str
    name: str
    application: Application | None = None
    kustomizations: tuple[Kustomization, ...] = ()

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return what Kubernetes knows it by; versions of a group show one and the same object."""
        return self.manifest.group, self.manifest.kind, self.namespace, self.name

    @property
    def root(self) -> Place:
        """Return the folder that it is deployed from."""
        if self.kustomizations:
            return self.kustomizations[0].file.part, self.kustomizations[0].folder
        return self.manifest.file.part, self.manifest.file.path.parent


@dataclass(frozen=True)
class Inventory:
    """Everything that the semantic rules look at.

    Attributes:
        contents: What the files hold.
        files: All files of the trees.
        applications: All Applications.
        locator: Which folders their sources are.
        deployed: What the trees deploy.
        expected: What the recorded answers say of the trees.
    """

    contents: Contents
    files: tuple[SourceFile, ...]
    applications: tuple[Application, ...]
    locator: SourceLocator
    deployed: tuple[Deployed, ...]
    expected: Expected


def take_inventory(contents: Contents, files: Iterable[SourceFile], expected: Expected) -> Inventory:
    """Work out what the trees deploy.

    Args:
        contents: What their files hold.
        files: All of their files.
        expected: What the recorded answers say of them.
    """
    files = tuple(files)
    locator = SourceLocator(stated_applications(contents.manifests), files, expected.urls)
    apps = tuple(all_applications(contents.manifests, locator))
    deployed = (*_plain(contents, apps, locator), *_kustomized(contents))
    return Inventory(contents, files, apps, locator, deployed, expected)


def _plain(contents: Contents, apps: Iterable[Application], locator: SourceLocator) -> Iterator[Deployed]:
    kustomized = {(item.file.part, item.folder) for item in contents.kustomizations}
    taken = {(item.file.part, reference.path) for item in contents.kustomizations for reference in item.objects}
    for manifest in contents.manifests:
        file = manifest.file
        if (file.part, file.path.parent) in kustomized or (file.part, file.path) in taken:
            continue
        readers = (app for app in apps for source in app.sources if locator.reads(source, file))
        app = next(readers, None)
        default = app.namespace if app else ""
        namespace = "" if manifest.kind in CLUSTER_SCOPED else manifest.namespace or default
        yield Deployed(manifest, namespace, manifest.name, application=app)


def _kustomized(contents: Contents) -> Iterator[Deployed]:
    """Yield the objects of each kustomization that no other one includes."""
    by_folder: _Kustomizations = {(item.file.part, item.folder): item for item in contents.kustomizations}
    included = {(item.file.part, reference.path) for item in contents.kustomizations for reference in item.objects}
    by_file: dict[Place, list[KubernetesObject]] = {}
    for manifest in contents.manifests:
        by_file.setdefault((manifest.file.part, manifest.file.path), []).append(manifest)
    for place, item in by_folder.items():
        if place not in included and not item.is_component:
            included_here = tuple(_reachable(item, by_folder, set()))
            for manifest, namespace, name in _objects(item, by_folder, by_file, frozenset()):
                yield Deployed(manifest, namespace, name, kustomizations=included_here)


def _reachable(item: Kustomization, by_folder: _Kustomizations, seen: set[PurePosixPath]) -> Iterator[Kustomization]:
    """Yield a kustomization and all that it includes, components too."""
    if item.folder not in seen:
        seen.add(item.folder)
        yield item
        for reference in item.objects:
            inner = by_folder.get((item.file.part, reference.path)) if reference.path else None
            if inner is not None:
                yield from _reachable(inner, by_folder, seen)


def _objects(
    item: Kustomization,
    by_folder: _Kustomizations,
    by_file: Mapping[Place, list[KubernetesObject]],
    above: frozenset[PurePosixPath],
) -> Iterator[tuple[KubernetesObject, str, str]]:
    """Yield the objects of a kustomization and of those it includes, with namespace and name."""
    values = item.document.value
    prefix, suffix = text(values.get("namePrefix")), text(values.get("nameSuffix"))
    if item.folder in above:
        return
    for reference in item.objects:
        if reference.path is None:
            continue
        place = (item.file.part, reference.path)
        inner = by_folder.get(place)
        found = [(manifest, manifest.namespace, manifest.name) for manifest in by_file.get(place, ())]
        for manifest, namespace, name in (
            _objects(inner, by_folder, by_file, above | {item.folder}) if inner is not None else found
        ):
            in_namespace = "" if manifest.kind in CLUSTER_SCOPED else item.namespace or namespace
            # Kustomize renames no Namespace and no CustomResourceDefinition.
            renamed = name if manifest.kind in ("Namespace", "CustomResourceDefinition") else prefix + name + suffix
            yield manifest, in_namespace, renamed
