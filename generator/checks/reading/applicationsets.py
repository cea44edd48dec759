"""What ApplicationSets make: one Application for each folder that their Git generator takes.

Only what the rendered repositories use is worked out: directories of a Git repository, and templates that name the
folder or a part of it. Where a set uses more, or takes no folder, its template stands for all that it makes.

Source: Argo CD 3.5, applicationset/generators/git.go (filterApps, generateParamsFromApps); path.Match of Go.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from generator.checks.reading.applications import ARGO, Application
from generator.checks.reading.kubernetes_objects import KubernetesObject, mapping, sequence, text
from generator.checks.reading.kustomize import KUSTOMIZATION_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import PurePosixPath

    from generator.checks.reading.applications import Place
    from generator.checks.reading.source_locator import SourceLocator

_ACTION = re.compile(r"\{\{(.*?)\}\}")
_SEGMENT = re.compile(r"index \.path\.segments (\d+)|path\[(\d+)\]")
_NOT_NORMAL = re.compile(r"[^a-z0-9.-]")


class UnknownTemplateError(LookupError):
    """A template uses more than the folder's name."""


def stated_applications(manifests: Iterable[KubernetesObject]) -> Iterator[Application]:
    """Yield the Applications that stand in the trees, and the templates of all ApplicationSets."""
    for manifest in manifests:
        if manifest.is_a(ARGO, "Application"):
            yield Application(manifest, ("spec",), manifest.spec, manifest.name)
        elif manifest.is_a(ARGO, "ApplicationSet"):
            yield _template(manifest)


def all_applications(manifests: Iterable[KubernetesObject], locator: SourceLocator) -> Iterator[Application]:
    """Yield the Applications that there are going to be, as far as the trees tell.

    Args:
        manifests: All objects.
        locator: Knows the folders of the trees.
    """
    for app in stated_applications(manifests):
        made = None if app.manifest.kind == "Application" else _made(app, locator)
        yield from made or [app]


def generated_folders(manifest: KubernetesObject, locator: SourceLocator) -> list[tuple[PurePosixPath, Place]] | None:
    """Return the folders that an ApplicationSet takes, as paths of the repository and places in the trees.

    Args:
        manifest: The ApplicationSet.
        locator: Knows the folders of the trees.

    Returns:
        None where it takes something else, or where its repository is none of the trees.
    """
    found: dict[PurePosixPath, Place] = {}
    for generator in sequence(manifest.spec.get("generators")):
        git = mapping(mapping(generator).get("git"))
        directories = [mapping(entry) for entry in sequence(git.get("directories"))]
        folders = list(locator.folders(text(git.get("repoURL"))))
        if not directories or not folders or git.get("pathParamPrefix"):
            return None
        found |= {path: place for path, place in folders if _is_taken(path, directories)}
    return sorted(found.items())


def folder_patterns(manifest: KubernetesObject) -> Iterator[tuple[str, str]]:
    """Yield URL and path of each folder pattern that an ApplicationSet takes."""
    for generator in sequence(manifest.spec.get("generators")):
        git = mapping(mapping(generator).get("git"))
        for entry in sequence(git.get("directories")):
            if mapping(entry).get("exclude") is not True:
                yield text(git.get("repoURL")), text(mapping(entry).get("path"))


def _template(manifest: KubernetesObject) -> Application:
    template = mapping(manifest.spec.get("template"))
    name = text(mapping(template.get("metadata")).get("name"))
    return Application(manifest, ("spec", "template", "spec"), mapping(template.get("spec")), name)


def _made(template: Application, locator: SourceLocator) -> list[Application] | None:
    folders = generated_folders(template.manifest, locator)
    if folders is None:
        return None
    try:
        return [_of_folder(template, path, place, locator) for path, place in folders]
    except UnknownTemplateError:
        return None


def _of_folder(template: Application, path: PurePosixPath, place: Place, locator: SourceLocator) -> Application:
    part, folder = place
    files = (folder / name for name in KUSTOMIZATION_FILES)
    file = next((file for file in files if locator.has((part, file))), folder)
    spec, name = _filled(dict(template.spec), path), _filled(template.name, path)
    return Application(template.manifest, template.place, spec, name, locator.name_of((part, file)), place)


def _is_taken(path: PurePosixPath, directories: Iterable[dict[str, Any]]) -> bool:
    """Return whether a folder is taken: hidden ones never are, and one pattern that excludes wins."""
    if not path.parts or any(step.startswith(".") for step in path.parts):
        return False
    matching = [entry for entry in directories if _matches(path, text(entry.get("path")))]
    return bool(matching) and not any(entry.get("exclude") is True for entry in matching)


def _matches(path: PurePosixPath, pattern: str) -> bool:
    steps = pattern.split("/")
    return len(steps) == len(path.parts) and all(map(fnmatchcase, path.parts, steps))


def _filled(value: Any, path: PurePosixPath) -> Any:
    """Return a value with what stands in braces filled in, in all of its texts."""
    if isinstance(value, dict):
        return {key: _filled(item, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, path) for item in value]
    return _ACTION.sub(lambda match: _parameter(match[1].strip(), path), value) if isinstance(value, str) else value


def _parameter(action: str, path: PurePosixPath) -> str:
    """Return what an action is about a folder, written as a Go template or as the older kind."""
    named = {"path": str(path), "basename": path.name, "basenameNormalized": _normalized(path.name)}
    key = action.removeprefix(".").removeprefix("path.")
    if key in named:
        return named[key]
    segment = _SEGMENT.fullmatch(action)
    index = int(segment[1] or segment[2]) if segment else len(path.parts)
    if index >= len(path.parts):
        raise UnknownTemplateError(action)
    return path.parts[index]


def _normalized(name: str) -> str:
    return _NOT_NORMAL.sub("-", name.lower())[:253].strip("-.")
