"""Argo CD's Applications in the trees: their sources, and which folders of the trees those are."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import KubernetesObject, mapping, sequence, text
from generator.checks.reading.source_files import APPS, ARGOCD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from generator.checks.reading.source_files import SourceFile
    from generator.checks.reading.yamlgo import Step

ARGO = "argoproj.io"
Place = tuple[str, PurePosixPath]
"""A part and a place within its tree."""


def is_template(value: Any) -> bool:
    """Return whether an ApplicationSet fills a value in."""
    return "{{" in text(value)


@dataclass(frozen=True)
class ApplicationSource:
    """One source of an Application.

    Attributes:
        place: Where it stands in the object.
        value: The source.
    """

    place: tuple[Step, ...]
    value: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Return the URL of its repository."""
        return text(self.value.get("repoURL"))

    @property
    def path(self) -> str:
        """Return its folder; "" if it has none."""
        return text(self.value.get("path"))

    @property
    def is_chart(self) -> bool:
        """Return whether it is a Helm chart out of a chart repository."""
        return bool(self.value.get("chart")) or self.url.startswith("oci://")


@dataclass(frozen=True)
class Application:
    """An Application, or what an ApplicationSet makes.

    Attributes:
        manifest: The object that holds it.
        place: Where its specification stands in the object.
        spec: Its specification.
    """

    manifest: KubernetesObject
    place: tuple[Step, ...]
    spec: Mapping[str, Any]

    @property
    def sources(self) -> list[ApplicationSource]:
        """Return its sources; where it has several, a single one beside them is ignored, as by Argo CD."""
        several = sequence(self.spec.get("sources"))
        if several:
            return [ApplicationSource((*self.place, "sources", i), mapping(value)) for i, value in enumerate(several)]
        single = self.spec.get("source")
        return [ApplicationSource((*self.place, "source"), single)] if isinstance(single, dict) else []

    @property
    def destination(self) -> dict[str, Any]:
        """Return where it deploys to."""
        return mapping(self.spec.get("destination"))

    @property
    def namespace(self) -> str:
        """Return the namespace of its objects that name none."""
        return text(self.destination.get("namespace"))

    @property
    def project(self) -> str:
        """Return the name of its project."""
        return text(self.spec.get("project"))

    @property
    def sync_options(self) -> list[str]:
        """Return its sync options."""
        return [text(option) for option in sequence(mapping(self.spec.get("syncPolicy")).get("syncOptions"))]


def applications(manifests: Iterable[KubernetesObject]) -> Iterator[Application]:
    """Yield all Applications and the templates of all ApplicationSets."""
    for manifest in manifests:
        if manifest.is_a(ARGO, "Application"):
            yield Application(manifest, ("spec",), manifest.spec)
        elif manifest.is_a(ARGO, "ApplicationSet"):
            template = mapping(manifest.spec.get("template"))
            yield Application(manifest, ("spec", "template", "spec"), mapping(template.get("spec")))


class SourceLocator:
    """Which folder of the trees a source names.

    The root Application tells: it lies in `bootstrap/` and its sources are folders of the argocd part. Where those
    begin with the name of that folder, all parts lie in one repository.
    """

    def __init__(self, apps: Iterable[Application], files: Iterable[SourceFile]) -> None:
        """Learn from the root Applications.

        Args:
            apps: All Applications.
            files: All files of the trees.
        """
        self._places = {place for file in files for place in _with_folders(file)}
        self._urls: set[str] = set()
        self._folders: dict[str, str] = {}
        folders = {file.part: file.name.split("/")[0] for file in files}
        roots = [app for app in apps if app.manifest.file.path.parts[0] == "bootstrap"]
        paths = [(source.url, source.path) for app in roots for source in app.sources if source.path]
        self._urls = {url for url, _ in paths}
        inside = f"{folders.get(ARGOCD, '')}/"
        if paths and all(path.startswith(inside) for _, path in paths):
            self._folders = {folder: part for part, folder in folders.items()}

    @property
    def known(self) -> bool:
        """Return whether a root Application said which repository the argocd part is."""
        return bool(self._urls)

    def is_own(self, url: str) -> bool:
        """Return whether a URL is that of the argocd part's repository."""
        return url in self._urls

    def locate(self, url: str, path: str) -> Place | None:
        """Return the place in the trees that a path of a repository is; None if it is in none of them."""
        if not self.is_own(url) or is_template(path):
            return None
        place = PurePosixPath(posixpath.normpath(path))
        if not self._folders:
            return ARGOCD, place
        part = self._folders.get(place.parts[0]) if place.parts else None
        return (part, place.relative_to(place.parts[0])) if part in (ARGOCD, APPS) else None

    def has(self, place: Place) -> bool:
        """Return whether there is a file or folder at a place."""
        return place in self._places

    def reads(self, source: ApplicationSource, file: SourceFile) -> bool:
        """Return whether a source takes a file as a manifest (Argo CD's directory source)."""
        located = self.locate(source.url, source.path) if source.path else None
        if located is None or located[0] != file.part:
            return False
        folder = located[1]
        options = mapping(source.value.get("directory"))
        if file.path.parent != folder and not (options.get("recurse") is True and folder in file.path.parents):
            return False
        within = file.path.relative_to(folder).as_posix()
        include, exclude = text(options.get("include")), text(options.get("exclude"))
        return (not include or _glob(within, include)) and not (exclude and _glob(within, exclude))


def _with_folders(file: SourceFile) -> Iterator[Place]:
    yield file.part, file.path
    yield from ((file.part, parent) for parent in file.path.parents)


def _glob(path: str, pattern: str) -> bool:
    """Match as Argo CD does: `*` also matches a slash, and braces hold alternatives."""
    if pattern.startswith("{") and pattern.endswith("}"):
        return any(fnmatchcase(path, part) for part in pattern[1:-1].split(","))
    return fnmatchcase(path, pattern)
