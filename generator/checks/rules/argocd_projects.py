"""Rules about Argo CD's projects: each Application has one that permits what it does."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

from generator.checks.reading.applications import ARGO, is_template
from generator.checks.reading.kubernetes_objects import mapping, sequence, text
from generator.checks.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.applications import Application
    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.kubernetes_objects import KubernetesObject
    from generator.findings import Flaw


@rule("argocd/project", "An Application's project exists and permits its sources and destination.")
def project(inventory: Inventory) -> Iterator[Flaw]:
    """Hold Applications, and the objects that they deploy, against their projects."""
    projects = {item.name: item for item in inventory.contents.manifests if item.is_a(ARGO, "AppProject")}
    if not projects:
        return
    for app in inventory.applications:
        found = projects.get(app.project)
        if found is None and app.project and not is_template(app.project):
            fix = "Add it to argocd/projects/, or correct the name."
            yield app.flaw(f"there is no project {app.project}", *app.place, "project", fix=fix)
        elif found is not None:
            yield from _permitted(app, found)
    for item in inventory.deployed:
        found = projects.get(item.application.project) if item.application else None
        if found is not None and item.namespace and not _destination(found, item.application, item.namespace):
            message = f"the project {found.name} lets nothing into the namespace {item.namespace}"
            fix = f"Add the destination to {found.file.name}, or correct the namespace."
            yield item.manifest.flaw(message, "metadata", "namespace", fix=fix)


def _permitted(app: Application, found: KubernetesObject) -> Iterator[Flaw]:
    patterns = [_normal(text(pattern)) for pattern in sequence(found.spec.get("sourceRepos"))]
    if not any(pattern.startswith("!") for pattern in patterns):
        for source in app.sources:
            if not is_template(source.url) and not any(_covers(pattern, _normal(source.url)) for pattern in patterns):
                message = f"the project {found.name} doesn't permit this repository"
                fix = f"Add it to sourceRepos in {found.file.name}."
                yield app.flaw(message, *source.place, "repoURL", fix=fix)
    if app.namespace and not is_template(app.namespace) and not _destination(found, app, app.namespace):
        message = f"the project {found.name} doesn't permit the namespace {app.namespace}"
        fix = f"Add it to destinations in {found.file.name}."
        yield app.flaw(message, *app.place, "destination", fix=fix)


def _destination(found: KubernetesObject, app: Application | None, namespace: str) -> bool:
    """Return whether a project permits a namespace; what it forbids by a pattern is for Argo CD to judge."""
    if app is None:
        return True
    permitted = [mapping(item) for item in sequence(found.spec.get("destinations"))]
    if any(text(item.get(key)).startswith("!") for item in permitted for key in ("server", "name", "namespace")):
        return True
    return any(
        _matches(text(item.get("namespace")), namespace)
        and all(
            _matches(text(item.get(key)), text(app.destination.get(key)))
            for key in ("server", "name")
            if item.get(key) and app.destination.get(key)
        )
        for item in permitted
    )


def _normal(url: str) -> str:
    """Return a URL as Argo CD compares it: without regard to case and to the suffix .git."""
    return url.strip().lower().rstrip("/").removesuffix(".git")


def _covers(pattern: str, url: str) -> bool:
    """Match a repository: `*` alone is any, within a pattern it stops at a slash, and `**` doesn't."""
    if pattern == "*":
        return True
    parts = (re.escape(part).replace(r"\*", "[^/]*") for part in pattern.split("**"))
    return re.fullmatch(".*".join(parts), url) is not None


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(translate(pattern), value) is not None
