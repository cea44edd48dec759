"""Rules about Secrets across the trees: what is named is made by somebody, and what is made is read by somebody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.checks.reading.kubernetes_objects import mapping, sequence, text, texts
from generator.checks.reading.secret_references import secret_references
from generator.checks.reading.source_files import APPS, ARGOCD
from generator.checks.reading.values import chart_values
from generator.checks.rule import rule
from generator.findings import Flaw, Severity
from generator.wording import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.source_files import SourceFile
    from generator.checks.reading.yamlgo import YamlDocument

    _Id = tuple[str, str]

_CATALOGUE = "secrets/catalogue*.yaml"
_USERS = "secrets/catalogue.user.yaml"
_PATCH = "sealedsecrets.bitnami.com/patch"
_WORD = re.compile(r"[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?")


@rule("manifests/secret", "A Secret that a manifest or a chart's values name is in the catalogue, or a chart makes it.")
def secret(inventory: Inventory) -> Iterator[Flaw]:
    """Look for each Secret that is named."""
    made = {(namespace, name) for namespace, name, *_ in _catalogued(inventory)} | set(_made(inventory))
    if not any(True for _ in _catalogues(inventory)):
        return
    charts = _releases(inventory)
    references = [*secret_references(inventory)]
    named = {(reference.namespace, reference.name) for reference in references}
    for reference in references:
        here, name = reference.namespace, reference.name
        if (here, name) in made:
            continue
        near = nearest(name, [other for namespace, other in sorted(made) if namespace == here])
        # Charts call their own Secrets after their release; a misspelt name leaves the right one unread.
        of_chart = any(_begins(name, release) for release in charts.get(here, ()))
        if of_chart and (not near or (here, near) in named):
            continue
        message = f"there is no Secret {name} in the namespace {here}"
        fix = f"Did you mean {near}?" if near else f"Add it to {_USERS} and run `fmc seal`, or correct the name."
        yield reference.owner.flaw(message, *reference.path, fix=fix)


@rule("manifests/secret-unread", "A Secret of the catalogue is named by what reads it.", Severity.WARNING)
def unread(inventory: Inventory) -> Iterator[Flaw]:
    """Look for the name of each Secret of the catalogue, in whatever text.

    Where the repository of the apps is not at hand, as in a clone of argocd alone, their Secrets can't be judged.
    """
    all_here = any(file.part == APPS for file in inventory.files)
    destinations = {app.namespace for app in inventory.applications}
    words = {word for leaf in _texts_of_all(inventory) for word in _WORD.findall(leaf)}
    for namespace, name, entry, file, line in _catalogued(inventory):
        if not all_here and namespace not in destinations:
            continue
        # What has labels is found by them; what is merged into a Secret is read as that one.
        if name in words or mapping(entry.get("labels")) or _PATCH in mapping(entry.get("annotations")):
            continue
        message = f"no manifest and no chart's values name the Secret {name}"
        fix = "Name it where it is read, or take its entry out of the catalogue."
        yield Flaw(file.name, line, message, path="name", fix=fix)


def _catalogues(inventory: Inventory) -> Iterator[tuple[SourceFile, YamlDocument]]:
    for file, documents in inventory.contents.others.items():
        if file.part == ARGOCD and file.path.match(_CATALOGUE):
            yield from ((file, document) for document in documents)


def _catalogued(inventory: Inventory) -> Iterator[tuple[str, str, dict[str, object], SourceFile, int]]:
    """Yield the entries of the catalogue: namespace, name, entry, file and line."""
    for file, document in _catalogues(inventory):
        for index, value in enumerate(sequence(mapping(document.value).get("secrets"))):
            entry = mapping(value)
            line = document.line_of(("secrets", index, "name"))
            yield text(entry.get("namespace")), text(entry.get("name")), entry, file, line


def _made(inventory: Inventory) -> Iterator[_Id]:
    """Yield the Secrets that manifests make: sealed ones, those of certificates, and keys of accounts."""
    for item in inventory.deployed:
        manifest = item.manifest
        if manifest.is_a("bitnami.com", "SealedSecret") or manifest.is_a("", "Secret"):
            yield item.namespace, item.name
        elif manifest.is_a("cert-manager.io", "Certificate"):
            yield item.namespace, text(manifest.spec.get("secretName"))


def _releases(inventory: Inventory) -> dict[str, set[str]]:
    """Return what the charts' own objects are called like, by namespace."""
    found: dict[str, set[str]] = {}
    for app in inventory.applications:
        for source in app.sources:
            if source.is_chart:
                names = {app.manifest.name, text(source.value.get("chart"))}
                names.add(text(mapping(source.value.get("helm")).get("releaseName")))
                found.setdefault(app.namespace, set()).update(name for name in names if name)
    return found


def _begins(name: str, release: str) -> bool:
    return name == release or name.startswith(f"{release}-")


def _texts_of_all(inventory: Inventory) -> Iterator[str]:
    """Yield every text of the manifests and the values, but for those by which the Secrets themselves come."""
    for item in inventory.deployed:
        if not item.manifest.is_a("bitnami.com", "SealedSecret"):
            yield from texts(item.manifest.value)
    for values in chart_values(inventory):
        yield from texts(values.merged)
