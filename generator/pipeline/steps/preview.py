"""What `fmc new` will make, before it renders anything: the secrets, read from the catalogue's template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.answers.questionnaire import Questionnaire
from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.catalogue.read import parse_catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from generator.answers.load import LoadedAnswers
    from generator.secrets.catalogue.model import Entry


def planned_catalogue(loaded: LoadedAnswers, template_root: Path) -> tuple[Entry, ...]:
    """Return the secrets that the answers ask for, for cluster and machines; none where the layout has no catalogue.

    Args:
        loaded: The answers.
        template_root: The template.
    """
    layout = loaded.answers.layout
    if layout not in ("parts", "argocd", "monorepo"):
        return ()
    source = template_root / "templates" / "argocd" / f"{CATALOGUE}.jinja"
    data = {**loaded.data, "layout": "argocd" if layout == "parts" else layout}
    text = Questionnaire.load(template_root).render(source.read_text(encoding="utf-8"), data)
    return parse_catalogue(text, where=str(source)).entries
