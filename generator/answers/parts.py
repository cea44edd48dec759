"""The answers that the parts of a cluster record: they are rendered apart, and must be of one cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from generator.answers.document import read
from generator.answers.load import check_answers, read_answers
from generator.answers.questionnaire import Questionnaire
from generator.findings import Flaw, declare
from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from generator.answers.document import Document
    from generator.answers.load import LoadedAnswers
    from generator.findings import Finding

PARTS_DIFFER = declare("answers/parts-differ", "All parts of a cluster are rendered from the same answers.")
OWN = frozenset({"layout"})
"""The answers of which each part records its own."""
_LONGEST_SHOWN = 60


def load_parts(files: Iterable[Path], template_root: Path, parts: Collection[str]) -> list[LoadedAnswers]:
    """Load what repositories record; the same answers are judged once, which takes longer than all else.

    Args:
        files: What Copier recorded in each repository.
        template_root: The folder that holds copier.yml and lib/.
        parts: The layouts that no rule tells apart: those of one part.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
        BadInputError: A file or the template can't be used at all.
    """
    judged: dict[str, LoadedAnswers] = {}
    found = []
    for file in files:
        document, by_copier = read_answers(file)
        layout = document.data.get("layout")
        others = {name: value for name, value in document.data.items() if name not in OWN}
        key = json.dumps([others, dict(document.lines)], sort_keys=True, default=str)
        if layout in parts and key in judged and not document.notes:
            found.append(_of_layout(judged[key], str(layout), file, document))
            continue
        with Questionnaire.load(template_root).remembered.about(template_root, document.data):
            found.append(replace(check_answers(document, file, template_root), recorded=by_copier))
        if layout in parts:
            judged[key] = found[-1]
    return found


def _of_layout(alike: LoadedAnswers, layout: str, file: Path, document: Document) -> LoadedAnswers:
    return replace(
        alike,
        answers=replace(alike.answers, layout=layout),
        data={**alike.data, "layout": layout},
        warnings=tuple(replace(warning, file=document.file) for warning in alike.warnings),
        path=file,
        document=document,
    )


def compare(recorded: Mapping[str, LoadedAnswers]) -> list[Finding]:
    """Find the answers in which parts differ from the last of them, which the cluster acts on.

    Args:
        recorded: The answers of each part, by its layout.

    Returns:
        A finding for each part and answer, at the place where the part records it.
    """
    *others, (layout, last) = recorded.items()
    findings = []
    for _, other in others:
        differing = [name for name, value in last.data.items() if name not in OWN and other.data.get(name) != value]
        document = read(other.path) if differing else None
        for name in differing:
            _, line = document.place(name) if document else ("", 0)
            message = f"{name} is {shown(other.data.get(name))} here, and {shown(last.data[name])} in {layout}"
            fix = "Decide on one value, write it into answers.yaml, and run `fmc new --answers answers.yaml`."
            file = f"{other.path.parent.name}/{other.path.name}"
            findings.append(PARTS_DIFFER.finding(Flaw(file, line, message, path=name, fix=fix)))
    return findings


def shown(value: object) -> str:
    """Return an answer as messages show it: in one short line."""
    return printable(json.dumps(value, default=str), _LONGEST_SHOWN)
