"""Which folder of the trees a path of a Git repository is."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from generator.checks.reading.applications import Application, ApplicationSource, Place, is_template
from generator.checks.reading.kubernetes_objects import mapping, text
from generator.checks.reading.source_files import APPS, ARGOCD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from generator.checks.reading.source_files import SourceFile


class SourceLocator:
    """Which folder of the trees a source names.

    The root Application tells: it lies in `bootstrap/` and its sources are folders of the argocd part. Where those
    begin with the name of that folder, all parts lie in one repository; else the answers say which one apps is.
    """

    def __init__(self, apps: Iterable[Application], files: Iterable[SourceFile], urls: Mapping[str, str]) -> None:
        """Learn from the root Applications.

        Args:
            apps: All Applications.
            files: All files of the trees.
            urls: URL of each part's repository as the recorded answers have it; none of them need be known.
        """
        files = list(files)
        self._folder_places = _folders(files)
        self._places = self._folder_places | {(file.part, file.path) for file in files}
        self._urls: set[str] = set()
        self._folders: dict[str, str] = {}
        self._roots = {file.part: file.real.parents[len(file.path.parts) - 1] for file in files}
        folders = {file.part: file.name.split("/")[0] for file in files}
        roots = [app for app in apps if app.manifest.file.path.parts[0] == "bootstrap"]
        paths = [(source.url, source.path) for app in roots for source in app.sources if source.path]
        self._urls = {url for url, _ in paths}
        inside = f"{folders.get(ARGOCD, '')}/"
        if paths and all(path.startswith(inside) for _, path in paths):
            self._folders = {folder: part for part, folder in folders.items() if part in (ARGOCD, APPS)}
        self._apps_url = urls.get(APPS, "") if APPS in folders and not self._folders else ""

    @property
    def known(self) -> bool:
        """Return whether a root Application said which repository the argocd part is."""
        return bool(self._urls)

    def is_own(self, url: str) -> bool:
        """Return whether a URL is that of the argocd part's repository."""
        return url in self._urls

    def locate(self, url: str, path: str) -> Place | None:
        """Return the place in the trees that a path of a repository is; None if it is in none of them."""
        if is_template(path) or not (self.is_own(url) or (url and url == self._apps_url)):
            return None
        place = PurePosixPath(posixpath.normpath(path))
        if not self._folders:
            return (ARGOCD if self.is_own(url) else APPS), place
        part = self._folders.get(place.parts[0]) if place.parts else None
        return (part, place.relative_to(place.parts[0])) if part else None

    def folders(self, url: str) -> Iterator[tuple[PurePosixPath, Place]]:
        """Yield the folders of a repository that lie in the trees: the path in the repository, and the place."""
        roots = {part: PurePosixPath(folder) for folder, part in self._folders.items()}
        if not self._folders and (located := self.locate(url, ".")):
            roots = {located[0]: PurePosixPath()}
        for part, path in sorted(self._folder_places):
            if part in roots and (self.is_own(url) or url == self._apps_url):
                yield roots[part] / path, (part, path)

    def root_of(self, part: str) -> Path | None:
        """Return where a part's tree lies on this disk; None for one without files."""
        return self._roots.get(part)

    def name_of(self, place: Place) -> str:
        """Return a place as findings name it."""
        root = self.root_of(place[0])
        return f"{root.name}/{place[1]}" if root else str(place[1])

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


def _folders(files: Iterable[SourceFile]) -> set[Place]:
    """Return the folders of files, and those above."""
    found: set[Place] = set()
    for file in files:
        folder = file.path.parent
        # What is above of a folder that was found was found with it; the top is above of itself.
        while (place := (file.part, folder)) not in found:
            found.add(place)
            folder = folder.parent
    return found


def _glob(path: str, pattern: str) -> bool:
    """Match as Argo CD does: `*` also matches a slash, and braces hold alternatives."""
    if pattern.startswith("{") and pattern.endswith("}"):
        return any(fnmatchcase(path, part) for part in pattern[1:-1].split(","))
    return fnmatchcase(path, pattern)
