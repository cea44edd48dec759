"""What `fmc new` will make, before it renders anything: the secrets, read from the catalogue's template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.answers.questionnaire import Questionnaire
from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.catalogue.read import parse_catalogue

if TYPE_CHECKING:
    from generator.pipeline.new import Overview


def secrets_to_make(overview: Overview) -> list[tuple[str, str]]:
    """Return name and purpose of each secret; none where the layout has no catalogue."""
    answers = overview.loaded.answers
    if answers.layout not in ("parts", "argocd", "monorepo"):
        return []
    questionnaire = Questionnaire.load(overview.template_root)
    source = overview.template_root / "templates" / "argocd" / f"{CATALOGUE}.jinja"
    layout = "argocd" if answers.layout == "parts" else answers.layout
    text = questionnaire.render(source.read_text(encoding="utf-8"), {**overview.loaded.data, "layout": layout})
    return [(secret.id, secret.description) for secret in parse_catalogue(text, where=str(source)).secrets]
