"""Rules about what ApplicationSets make of the folders of the repository apps."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from generator.checks.reading.applications import ARGO
from generator.checks.reading.applicationsets import folder_patterns
from generator.checks.reading.kustomize import KUSTOMIZATION_FILES
from generator.checks.rule import rule
from generator.findings import Flaw, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.applications import Application, Place
    from generator.checks.reading.inventory import Inventory

# RFC 1123: a namespace is one label.
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@rule("argocd/generated-name", "A folder gives a name of its own, which Kubernetes accepts for a namespace.")
def generated_name(inventory: Inventory) -> Iterator[Flaw]:
    """Find folders whose names come to no good name, or to the same one."""
    first: dict[str, Application] = {}
    for app in inventory.applications:
        earlier = first.setdefault(app.name, app)
        if not app.overlay:
            continue
        if earlier is not app:
            where = earlier.overlay or earlier.manifest.file.name
            message = f"{app.name} is also the name of the Application of {where}: one would replace the other"
            yield app.flaw(message, fix="Rename one of the folders.")
        for name in dict.fromkeys((app.name, app.namespace)):
            if not _LABEL.fullmatch(name):
                fix = "Use lower-case letters, digits and dashes, at most 63 for app and environment together."
                yield app.flaw(f"Kubernetes accepts no namespace and no Application called {name}", fix=fix)


@rule("argocd/generated-namespace", "An overlay keeps its objects in the namespace of its Application.")
def generated_namespace(inventory: Inventory) -> Iterator[Flaw]:
    """Find overlays that put their objects elsewhere: there, another Application or nobody looks after them."""
    overlays = {app.folder: app for app in inventory.applications if app.folder}
    for kustomization in inventory.contents.kustomizations:
        app = overlays.pop((kustomization.file.part, kustomization.folder), None)
        if app is None or not app.namespace:
            continue
        if kustomization.namespace not in ("", app.namespace):
            message = f"these objects would go to {kustomization.namespace}, and {app.name} is for {app.namespace}"
            yield kustomization.manifest.flaw(message, "namespace", fix=f"Write {app.namespace}, or rename the folder.")
            continue
        for item in inventory.deployed:
            if item.root == app.folder and item.namespace not in ("", app.namespace):
                message = f"this object would go to {item.namespace}, and {app.name} is for {app.namespace}"
                yield item.manifest.flaw(message, "metadata", "namespace", fix="Remove the namespace here.")


@rule("argocd/overlay", "A folder that an ApplicationSet takes holds a kustomization.")
def overlay(inventory: Inventory) -> Iterator[Flaw]:
    """Find folders of which an Application without any object would be made."""
    for app in inventory.applications:
        if app.folder and not _has_kustomization(app.folder, inventory):
            fix = "Add a kustomization.yaml, as the other overlays have it, or remove the folder."
            yield app.flaw("there is no kustomization in this folder, so that nothing would be deployed", fix=fix)
    for name in _empty_folders(inventory):
        message = "this folder is empty: git doesn't keep it, and nothing is deployed of it"
        yield Flaw(name, 0, message, fix="Add a kustomization.yaml, or remove the folder.", severity=Severity.WARNING)


def _has_kustomization(folder: Place, inventory: Inventory) -> bool:
    part, path = folder
    return any(inventory.locator.has((part, path / name)) for name in KUSTOMIZATION_FILES)


def _empty_folders(inventory: Inventory) -> Iterator[str]:
    """Yield the names of the folders on this disk that an ApplicationSet would take if git kept them."""
    for manifest in inventory.contents.manifests:
        if not manifest.is_a(ARGO, "ApplicationSet"):
            continue
        for url, pattern in folder_patterns(manifest):
            located = inventory.locator.locate(url, pattern)
            root = inventory.locator.root_of(located[0]) if located else None
            if located and root:
                for folder in sorted(root.glob(str(located[1]))):
                    place = PurePosixPath(folder.relative_to(root))
                    if folder.is_dir() and not inventory.locator.has((located[0], place)):
                        yield f"{root.name}/{place}"
