"""Kustomizations: which files they take, and whether those are there. Kustomize itself is not run."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import KubernetesObject, mapping, sequence, text

if TYPE_CHECKING:
    from generator.checks.reading.source_files import SourceFile
    from generator.checks.reading.yamlgo import Step, YamlDocument

KUSTOMIZATION_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
DEFAULTS = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
"""What Kustomize takes for granted where a kustomization doesn't say it."""
_OBJECTS = ("resources", "components", "bases")
_SETTINGS = ("generators", "transformers", "validators", "configurations", "crds")
_PATCHES = ("patches", "patchesJson6902", "replacements")


@dataclass(frozen=True)
class Reference:
    """A file or folder that a kustomization names.

    Attributes:
        step: Where it stands in the kustomization.
        path: Place within the tree; None where it leads out of it.
        given: As it is written.
    """

    step: tuple[Step, ...]
    path: PurePosixPath | None
    given: str


@dataclass(frozen=True)
class Kustomization:
    """A kustomization of a tree.

    Attributes:
        file: Its file.
        document: What it holds.
    """

    file: SourceFile
    document: YamlDocument

    @property
    def manifest(self) -> KubernetesObject:
        """Return it as an object, with apiVersion and kind, which it may leave out."""
        return KubernetesObject(self.file, self.document, DEFAULTS | self.document.value)

    @property
    def folder(self) -> PurePosixPath:
        """Return its folder within the tree."""
        return self.file.path.parent

    @property
    def namespace(self) -> str:
        """Return the namespace that it puts everything into; "" if none."""
        return text(self.document.value.get("namespace"))

    @property
    def is_component(self) -> bool:
        """Return whether others include it as a component."""
        return self.manifest.kind == "Component"

    @cached_property
    def objects(self) -> list[Reference]:
        """Return the files and folders that it takes objects from; what comes from elsewhere is left out."""
        entries = ((key, index, entry) for key in _OBJECTS for index, entry in enumerate(self._list(key)))
        return [self._reference((key, index), entry) for key, index, entry in entries if _is_local(entry)]

    @cached_property
    def settings(self) -> list[Reference]:
        """Return the YAML files that it takes as patches and settings."""
        found: list[tuple[tuple[Step, ...], Any]]
        found = [((key, index), entry) for key in _SETTINGS for index, entry in enumerate(self._list(key))]
        found += [(("patchesStrategicMerge", i), entry) for i, entry in enumerate(self._list("patchesStrategicMerge"))]
        for key in _PATCHES:
            found += [((key, index, "path"), mapping(entry).get("path")) for index, entry in enumerate(self._list(key))]
        found.append((("openapi", "path"), mapping(self.document.value.get("openapi")).get("path")))
        # A patch or a generator may also stand in the kustomization itself.
        return [self._reference(step, entry) for step, entry in found if _is_local(entry) and "\n" not in entry]

    @cached_property
    def data(self) -> list[Reference]:
        """Return the files whose content it puts into ConfigMaps and Secrets."""
        found: list[tuple[tuple[Step, ...], Any]] = []
        for key in ("configMapGenerator", "secretGenerator"):
            for index, generator in enumerate(self._list(key)):
                options = mapping(generator)
                for name in ("files", "envs"):
                    entries = enumerate(sequence(options.get(name)))
                    found += [((key, index, name, i), text(entry).rpartition("=")[2]) for i, entry in entries]
                found.append(((key, index, "env"), options.get("env")))
        return [self._reference(step, entry) for step, entry in found if text(entry)]

    def _list(self, key: str) -> list[Any]:
        return sequence(self.document.value.get(key))

    def _reference(self, step: tuple[Step, ...], given: str) -> Reference:
        path = PurePosixPath(posixpath.normpath(self.folder / given))
        outside = path.parts[:1] in (("..",), ("/",))
        return Reference(step, None if outside else path, given)


def _is_local(entry: Any) -> bool:
    """Return whether an entry is a path: Kustomize also takes URLs and the short forms of Git forges."""
    given = text(entry)
    remote = "://" in given or "?ref=" in given or given.startswith(("git@", "github.com/"))
    return bool(given) and not remote
