"""What `fmc add app` and `fmc remove app` share: the template's folder of an app, and what an app has to live with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from generator.answers.questionnaire import Questionnaire
from generator.apps.names import VARIABLES
from generator.apps.surroundings import Surroundings, declared_namespaces
from generator.apps.tree import app_entries, app_files
from generator.inputs import read_bounded
from generator.secrets.catalogue.model import USER_CATALOGUE
from generator.template.source import template_root
from generator.template.writeback import image_in, read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from writeback.image import Image

    from generator.answers.load import LoadedAnswers
    from generator.apps.request import App
    from generator.pipeline.steps.session import Session

_TAKEN = "#% import 'lib/names.jinja' as n %##{ {'names': n.names, 'hosts': n.hosts} | to_json }#"
_LARGEST = 4 << 20  # bytes


@dataclass(frozen=True)
class Workbench:
    """What an app is made with, in one workspace.

    Attributes:
        root: The template.
        loaded: The answers that count.
        parts: Folder of each part that an app has files in.
        infra: Folder of the part infra; None where it is not there.
    """

    root: Path
    loaded: LoadedAnswers
    parts: Mapping[str, Path]
    infra: Path | None

    @classmethod
    def of(cls, session: Session) -> Workbench:
        """Return that of a workspace.

        Raises:
            BadInputError: A part is not there.
        """
        repositories = session.repositories
        parts = {part: repositories.part(part) for part in ("argocd", "apps")}
        return cls(template_root(), repositories.loaded, parts, repositories.folders.parts.get("infra"))

    @property
    def catalogue(self) -> bytes:
        """The user's own catalogue of secrets; empty where there is none."""
        path = self.parts["argocd"] / USER_CATALOGUE
        return read_bounded(path, _LARGEST) if path.exists() else b""

    @property
    def variables(self) -> Path | None:
        """The file that tells the cluster's name servers the hosts of apps; None where infra is not there."""
        return self.infra / VARIABLES if self.infra else None

    def files(self, app: App) -> dict[Path, bytes]:
        """Return what the files of an app hold."""
        made = app_files(app, self.root, self._render)
        return {self.parts[part] / path: content for (part, path), content in made.items()}

    def entries(self, app: App) -> str:
        """Return the entries of an app in the catalogue, as text."""
        return app_entries(app, self.root, self._render)

    def image_reader(self, *, mutable: bool) -> Callable[[str], Image]:
        """Return what reads an image, and refuses what pipelines refuse; see `generator.template.writeback`."""
        return partial(read_image, self.root, mutable=mutable)

    def image_in(self, text: str, app: str, where: str) -> Image:
        """Return the image that an overlay says; see `generator.template.writeback`."""
        return image_in(self.root, text, app, where)

    def rendered_names(self) -> frozenset[str]:
        """Return what the template calls something of its own, with any answers."""
        projects = (path.name.partition(".")[0] for path in (self.root / "templates/argocd/projects").iterdir())
        return frozenset((*self._taken["names"], *projects))

    def surroundings(self, but: str) -> Surroundings:
        """Return what an app has to live with.

        Args:
            but: Its name: what itself has already is in nobody's way.

        Raises:
            BadInputError: The namespaces of the repository can't be read.
        """
        plan, domain = self.loaded.plan, self.loaded.answers.domain
        declared = list(declared_namespaces(self.parts["argocd"], but))
        hosts = {f"{host}.{domain}": "the template" for host in self._taken["hosts"]}
        hosts |= {f"{node.name}.{domain}": f"the machine {node.name}" for node in plan.nodes}
        hosts |= {plan.api.host: "the Kubernetes API"}
        hosts |= {host: f"the namespace {name}" for name, _, known in declared for host in known}
        return Surroundings(
            domain,
            bool(plan.services),
            self.rendered_names(),
            {name: f"argocd/{file}" for name, file, _ in declared},
            hosts,
        )

    @property
    def _taken(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = json.loads(self._render(_TAKEN, {}))
        return found

    def _render(self, source: str, further: Mapping[str, object]) -> str:
        return Questionnaire.load(self.root).render(source, {**self.loaded.data, **further})
