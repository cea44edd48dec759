"""Rules about Argo CD: what its Applications name is there, fits together, and is pinned."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

from generator.checks.reading.applications import ARGO, Application, Source, is_template
from generator.checks.reading.files import ARGOCD
from generator.checks.reading.objects import Manifest, mapping, sequence, text
from generator.checks.rule import Rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.checks.reading.inventory import Deployed, Inventory
    from generator.checks.reading.yamlgo import Document, Step
    from generator.findings import Finding

_WAVE = "argocd.argoproj.io/sync-wave"
_OPTIONS = "argocd.argoproj.io/sync-options"
_NUMBER = re.compile(r"[+-]?[0-9]+")
_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?|sha256:[0-9a-f]{64}")
_BOOLEAN = ("true", "false")
_SYNC_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "ApplyOutOfSyncOnly": _BOOLEAN,
    "ClientSideApplyMigration": _BOOLEAN,
    "CreateNamespace": _BOOLEAN,
    "Delete": (*_BOOLEAN, "confirm"),
    "FailOnSharedResource": _BOOLEAN,
    "Force": _BOOLEAN,
    "Prune": (*_BOOLEAN, "confirm"),
    "PruneLast": _BOOLEAN,
    "PrunePropagationPolicy": ("background", "foreground", "orphan"),
    "Replace": _BOOLEAN,
    "RespectIgnoreDifferences": _BOOLEAN,
    "ServerSideApply": _BOOLEAN,
    "SkipDryRunOnMissingResource": _BOOLEAN,
    "Validate": _BOOLEAN,
}
"""Of Argo CD 3.5: anything else is passed over without a word."""


def check_argocd(inventory: Inventory) -> Iterator[Finding]:
    """Check all Applications, and what other objects say to Argo CD.

    Args:
        inventory: What the trees hold and deploy.
    """
    for app in inventory.applications:
        for source in app.sources:
            yield from _revision(app, source)
            yield from _path(app, source, inventory)
            yield from _values_files(app, source, inventory)
        for index, option in enumerate(app.sync_options):
            yield from _option(app.manifest, option, (*app.place, "syncPolicy", "syncOptions", index))
    yield from _generators(inventory)
    yield from _chart_versions(inventory)
    yield from _projects(inventory)
    for manifest in inventory.contents.manifests:
        yield from _annotations(manifest)
    for item in inventory.deployed:
        yield from _unread(item, inventory)


def _revision(app: Application, source: Source) -> Iterator[Finding]:
    revision = source.value.get("targetRevision")
    place = (*source.place, "targetRevision")
    if is_template(revision):
        return
    if source.is_chart and not _VERSION.fullmatch(text(revision)):
        message = "the version of this chart is not exact: what is installed would change without a commit"
        fix = "Name one version, such as 1.2.3."
        yield app.manifest.finding(Rule.ARGOCD_FLOATING_REVISION, message, *place, fix=fix)
    elif not source.is_chart and text(revision) in ("", "HEAD"):
        message = "this source names no revision: it would follow whatever the forge calls its default branch"
        fix = "Name a branch, such as refs/heads/main, a tag or a commit."
        yield app.manifest.finding(Rule.ARGOCD_FLOATING_REVISION, message, *place, fix=fix)


def _generators(inventory: Inventory) -> Iterator[Finding]:
    for manifest in inventory.contents.manifests:
        generators = sequence(manifest.spec.get("generators")) if manifest.is_a(ARGO, "ApplicationSet") else []
        for index, generator in enumerate(generators):
            git = mapping(generator).get("git")
            if isinstance(git, dict) and text(git.get("revision")) in ("", "HEAD"):
                message = "this generator names no revision: it would follow the forge's default branch"
                path = ("spec", "generators", index, "git", "revision")
                yield manifest.finding(Rule.ARGOCD_FLOATING_REVISION, message, *path, fix="Name a branch or a tag.")


def _path(app: Application, source: Source, inventory: Inventory) -> Iterator[Finding]:
    located = inventory.repositories.locate(source.url, source.path) if source.path else None
    if located and not inventory.repositories.has(located):
        message = f"the repository has no folder {source.path}"
        yield app.manifest.finding(Rule.ARGOCD_SOURCE_PATH, message, *source.place, "path")


def _values_files(app: Application, source: Source, inventory: Inventory) -> Iterator[Finding]:
    helm = mapping(source.value.get("helm"))
    references = {text(other.value.get("ref")): other for other in app.sources if other.value.get("ref")}
    for index, given in enumerate(sequence(helm.get("valueFiles"))):
        name, _, path = text(given).partition("/")
        if not name.startswith("$") or is_template(given):
            continue
        place = (*source.place, "helm", "valueFiles", index)
        other = references.get(name[1:])
        if other is None:
            message = f"no source of this Application has the ref {name[1:]}"
            yield app.manifest.finding(Rule.ARGOCD_VALUES_FILE, message, *place)
            continue
        located = inventory.repositories.locate(other.url, path)
        if located and not inventory.repositories.has(located):
            tolerated = helm.get("ignoreMissingValueFiles") is True
            message = f"the repository has no file {path}" + (", and Argo CD won't say so" if tolerated else "")
            severity = Severity.WARNING if tolerated else Severity.ERROR
            yield app.manifest.finding(Rule.ARGOCD_VALUES_FILE, message, *place, severity=severity)


def _chart_versions(inventory: Inventory) -> Iterator[Finding]:
    """Compare with versions.yaml, which the bootstrap reads and Argo CD doesn't."""
    for file in inventory.files:
        if file.part != ARGOCD or str(file.path) != "versions.yaml":
            continue
        for document in inventory.contents.others.get(file.name, []):
            for app in inventory.applications:
                for source in app.sources:
                    yield from _compare(app, source, document, file.name)


def _compare(app: Application, source: Source, document: Document, file: str) -> Iterator[Finding]:
    chart = text(source.value.get("chart"))
    pinned = mapping(mapping(mapping(document.value).get("charts")).get(chart))
    for key, field in (("version", "targetRevision"), ("repository", "repoURL")):
        theirs, ours = pinned.get(key), source.value.get(field)
        if chart and theirs is not None and theirs != ours:
            line = document.line_of(("charts", chart, key))
            message = f"{chart} has the {key} {ours} here and {theirs} at {file}:{line}"
            fix = "The bootstrap installs one and Argo CD the other: make them equal."
            yield app.manifest.finding(Rule.ARGOCD_CHART_VERSION, message, *source.place, field, fix=fix)


def _projects(inventory: Inventory) -> Iterator[Finding]:
    projects = {item.name: item for item in inventory.contents.manifests if item.is_a(ARGO, "AppProject")}
    if not projects:
        return
    for app in inventory.applications:
        project = projects.get(app.project)
        if project is None and app.project and not is_template(app.project):
            message = f"there is no project {app.project}"
            yield app.manifest.finding(Rule.ARGOCD_PROJECT, message, *app.place, "project")
        elif project is not None:
            yield from _permitted(app, project)
    for item in inventory.deployed:
        project = projects.get(item.application.project) if item.application else None
        if project is not None and item.namespace and not _destination(project, item.application, item.namespace):
            message = f"the project {project.name} lets nothing into the namespace {item.namespace}"
            fix = f"Add the destination to {project.file.name}, or correct the namespace."
            yield item.manifest.finding(Rule.ARGOCD_PROJECT, message, "metadata", "namespace", fix=fix)


def _permitted(app: Application, project: Manifest) -> Iterator[Finding]:
    patterns = [_normal(text(pattern)) for pattern in sequence(project.spec.get("sourceRepos"))]
    if not any(pattern.startswith("!") for pattern in patterns):
        for source in app.sources:
            if not is_template(source.url) and not any(_covers(pattern, _normal(source.url)) for pattern in patterns):
                message = f"the project {project.name} doesn't permit this repository"
                fix = f"Add it to sourceRepos in {project.file.name}."
                yield app.manifest.finding(Rule.ARGOCD_PROJECT, message, *source.place, "repoURL", fix=fix)
    if app.namespace and not is_template(app.namespace) and not _destination(project, app, app.namespace):
        message = f"the project {project.name} doesn't permit the namespace {app.namespace}"
        fix = f"Add it to destinations in {project.file.name}."
        yield app.manifest.finding(Rule.ARGOCD_PROJECT, message, *app.place, "destination", fix=fix)


def _destination(project: Manifest, app: Application | None, namespace: str) -> bool:
    """Return whether a project permits a namespace; what it forbids by a pattern is for Argo CD to judge."""
    if app is None:
        return True
    permitted = [mapping(item) for item in sequence(project.spec.get("destinations"))]
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


def _annotations(manifest: Manifest) -> Iterator[Finding]:
    wave = manifest.annotations.get(_WAVE)
    if isinstance(wave, str) and not _NUMBER.fullmatch(wave):
        message = "this sync wave is no whole number, so that Argo CD takes it for 0"
        yield manifest.finding(Rule.ARGOCD_SYNC_WAVE, message, "metadata", "annotations", _WAVE)
    for option in text(manifest.annotations.get(_OPTIONS)).split(","):
        yield from _option(manifest, option.strip(), ("metadata", "annotations", _OPTIONS))


def _option(manifest: Manifest, option: str, place: tuple[Step, ...]) -> Iterator[Finding]:
    name, _, value = option.partition("=")
    if not option or value in _SYNC_OPTIONS.get(name, ()):
        return
    known = f"{name} is one of {', '.join(_SYNC_OPTIONS[name])}" if name in _SYNC_OPTIONS else ""
    message = f"Argo CD knows no sync option {option}, and passes over it"
    fix = f"{known}." if known else f"Known are {', '.join(sorted(_SYNC_OPTIONS))}."
    yield manifest.finding(Rule.ARGOCD_SYNC_OPTION, message, *place, fix=fix, severity=Severity.WARNING)


def _unread(item: Deployed, inventory: Inventory) -> Iterator[Finding]:
    """Find manifests that no Application reads; the bootstrap applies its own folder."""
    file = item.manifest.file
    if file.part != ARGOCD or item.application or item.kustomizations or not inventory.repositories.known:
        return
    if file.path.parts[0] != "bootstrap":
        message = "no Application reads this file: it never reaches the cluster"
        fix = "Move it into a folder that an Application has as its path."
        severity = Severity.WARNING
        yield item.manifest.finding(Rule.ARGOCD_UNREAD, message, fix=fix, severity=severity)
