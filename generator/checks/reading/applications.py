"""Argo CD's Applications: those that stand in the trees, and those that an ApplicationSet makes of its template."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import KubernetesObject, mapping, sequence, text
from generator.findings import Flaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.checks.reading.yamlgo import Step
    from generator.findings import Severity

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
        name: Its name; "" where only the cluster knows it.
        overlay: For one that an ApplicationSet makes, the file or folder that it is made of, as findings name it.
        folder: That folder.
    """

    manifest: KubernetesObject
    place: tuple[Step, ...]
    spec: Mapping[str, Any]
    name: str = ""
    overlay: str = ""
    folder: Place | None = None

    def flaw(self, message: str, *path: Step, fix: str = "", severity: Severity | None = None) -> Flaw:
        """Return what is wrong at a place in the object; where it is made of a folder, the folder has the fault."""
        if not self.overlay:
            return self.manifest.flaw(message, *path, fix=fix, severity=severity)
        made = f"{message}; {self.manifest.name} makes the Application {self.name} of this folder"
        return Flaw(self.overlay, 0, made, fix=fix, severity=severity)

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
