"""Rules about what Argo CD reads: sources that are there, fit together, and are pinned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.checks.reading.applications import ARGO, is_template
from generator.checks.reading.kubernetes_objects import mapping, sequence, text
from generator.checks.reading.source_files import ARGOCD
from generator.checks.rule import rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.applications import Application, ApplicationSource
    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.yamlgo import YamlDocument
    from generator.findings import Flaw

_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?|sha256:[0-9a-f]{64}")


@rule("argocd/floating-revision", "A chart has an exact version, a Git source a revision.")
def floating_revision(inventory: Inventory) -> Iterator[Flaw]:
    """Find sources that would change without a commit."""
    for app in inventory.applications:
        for source in app.sources:
            yield from _revision(app, source)
    for manifest in inventory.contents.manifests:
        generators = sequence(manifest.spec.get("generators")) if manifest.is_a(ARGO, "ApplicationSet") else []
        for index, generator in enumerate(generators):
            git = mapping(generator).get("git")
            if isinstance(git, dict) and text(git.get("revision")) in ("", "HEAD"):
                message = "this generator names no revision: it would follow the forge's default branch"
                path = ("spec", "generators", index, "git", "revision")
                yield manifest.flaw(message, *path, fix="Name a branch or a tag.")


def _revision(app: Application, source: ApplicationSource) -> Iterator[Flaw]:
    revision = source.value.get("targetRevision")
    place = (*source.place, "targetRevision")
    if is_template(revision):
        return
    if source.is_chart and not _VERSION.fullmatch(text(revision)):
        message = "the version of this chart is not exact: what is installed would change without a commit"
        yield app.flaw(message, *place, fix="Name one version, such as 1.2.3.")
    elif not source.is_chart and text(revision) in ("", "HEAD"):
        message = "this source names no revision: it would follow whatever the forge calls its default branch"
        fix = "Name a branch, such as refs/heads/main, a tag or a commit."
        yield app.flaw(message, *place, fix=fix)


@rule("argocd/source-path", "The folder that a source names exists.")
def source_path(inventory: Inventory) -> Iterator[Flaw]:
    """Look for the folders of all sources that lie in these trees."""
    for app in inventory.applications:
        for source in app.sources:
            located = inventory.locator.locate(source.url, source.path) if source.path else None
            if located and not inventory.locator.has(located):
                yield app.flaw(f"the repository has no folder {source.path}", *source.place, "path")


@rule("argocd/values-file", "A values file of another source exists, and so does that source.")
def values_file(inventory: Inventory) -> Iterator[Flaw]:
    """Look for the values files of all charts."""
    for app in inventory.applications:
        for source in app.sources:
            yield from _values_files(app, source, inventory)


def _values_files(app: Application, source: ApplicationSource, inventory: Inventory) -> Iterator[Flaw]:
    helm = mapping(source.value.get("helm"))
    references = {text(other.value.get("ref")): other for other in app.sources if other.value.get("ref")}
    for index, given in enumerate(sequence(helm.get("valueFiles"))):
        name, _, path = text(given).partition("/")
        if not name.startswith("$") or is_template(given):
            continue
        place = (*source.place, "helm", "valueFiles", index)
        other = references.get(name[1:])
        if other is None:
            yield app.flaw(f"no source of this Application has the ref {name[1:]}", *place)
            continue
        located = inventory.locator.locate(other.url, path)
        if located and not inventory.locator.has(located):
            tolerated = helm.get("ignoreMissingValueFiles") is True
            message = f"the repository has no file {path}" + (", and Argo CD won't say so" if tolerated else "")
            severity = Severity.WARNING if tolerated else Severity.ERROR
            yield app.flaw(message, *place, severity=severity)


@rule("argocd/values-order", "The source of a chart's values stands before the chart.", Severity.WARNING)
def values_order(inventory: Inventory) -> Iterator[Flaw]:
    """Find charts that are read before their values.

    Argo CD reads the sources one after the other (controller/state.go, GetRepoObjs). A commit in between is noted as
    compared with the values of before. Where the server makes the differences, what was noted is not compared again
    (useDiffCache), so that the commit waits for the next one.
    """
    for app in inventory.applications:
        places = {f"${text(source.value.get('ref'))}": number for number, source in enumerate(app.sources)}
        for number, source in enumerate(app.sources):
            for index, given in enumerate(sequence(mapping(source.value.get("helm")).get("valueFiles"))):
                if places.get(text(given).partition("/")[0], -1) > number:
                    message = "this chart is read before its values: a commit in between is taken for delivered"
                    fix = "Move the source with this ref to the front of the list."
                    yield app.flaw(message, *source.place, "helm", "valueFiles", index, fix=fix)
                    break


@rule("argocd/chart-version", "The Applications name the same chart versions as versions.yaml.")
def chart_version(inventory: Inventory) -> Iterator[Flaw]:
    """Compare with versions.yaml, which the bootstrap reads and Argo CD doesn't."""
    for file, documents in inventory.contents.others.items():
        if file.part != ARGOCD or str(file.path) != "versions.yaml":
            continue
        for document in documents:
            for app in inventory.applications:
                for source in app.sources:
                    yield from _compare(app, source, document, file.name)


def _compare(app: Application, source: ApplicationSource, document: YamlDocument, file: str) -> Iterator[Flaw]:
    chart = text(source.value.get("chart"))
    pinned = mapping(mapping(mapping(document.value).get("charts")).get(chart))
    for key, field in (("version", "targetRevision"), ("repository", "repoURL")):
        theirs, ours = pinned.get(key), source.value.get(field)
        if chart and theirs is not None and theirs != ours:
            line = document.line_of(("charts", chart, key))
            message = f"{chart} has the {key} {ours} here and {theirs} at {file}:{line}"
            fix = "The bootstrap installs one and Argo CD the other: make them equal."
            yield app.flaw(message, *source.place, field, fix=fix)


@rule("argocd/unread", "Every manifest is read by an Application.", Severity.WARNING)
def unread(inventory: Inventory) -> Iterator[Flaw]:
    """Find manifests that no Application reads; the bootstrap applies its own folder."""
    for item in inventory.deployed:
        file = item.manifest.file
        if file.part != ARGOCD or item.application or item.kustomizations or not inventory.locator.known:
            continue
        if file.path.parts[0] != "bootstrap":
            message = "no Application reads this file: it never reaches the cluster"
            yield item.manifest.flaw(message, fix="Move it into a folder that an Application has as its path.")
