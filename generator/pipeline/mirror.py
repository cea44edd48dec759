"""`fmc mirror`: what a cluster takes from elsewhere, for those who keep copies."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from generator.mirror.inventory import inventory, read_record
from generator.template.source import find_template, template_root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.answers.load import LoadedAnswers
    from generator.mirror.inventory import Inventory

_ROWS = "#% import 'lib/components.jinja' as c %##{ c.table | to_json }#"
_RECORD = Path("lib") / "images.json"


def of_workspace(start: Path) -> tuple[str, Inventory]:
    """Return a cluster's name, and the list from its repositories as they lie there.

    Args:
        start: The workspace, or a folder in it.

    Raises:
        BadInputError: There is no workspace, or a file of it can't be read.
    """
    from generator.workspace import find_repositories

    found = find_repositories(start, template_root())
    return found.loaded.answers.name, _list(found.folders.parts)


def of_answers(path: Path) -> tuple[str, Inventory]:
    """Return a cluster's name, and the list from what fmc would render with an answers file.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
        BadInputError: The file can't be used at all.
    """
    from generator.answers.load import load
    from generator.workspace import MONOREPO

    loaded = load(path, template_root())
    with tempfile.TemporaryDirectory() as folder:
        return loaded.answers.name, _list(_rendered(loaded, Path(folder) / MONOREPO))


def _rendered(loaded: LoadedAnswers, folder: Path) -> dict[str, Path]:
    from generator.template.render import render_layout
    from generator.workspace import MONOREPO

    render_layout(find_template(), loaded.data, MONOREPO, folder)
    return {part: folder / part for part in loaded.plan.repositories}


def _list(trees: Mapping[str, Path]) -> Inventory:
    from generator.answers.questionnaire import Questionnaire

    root = template_root()
    rows = json.loads(Questionnaire.load(root).render(_ROWS, {}))
    return inventory(trees, rows, read_record(root / _RECORD))
