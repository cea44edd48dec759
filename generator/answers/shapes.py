"""The shapes of answers: which keys their records have, and of what type each value is.

They stand in `copier.yml` and, for records and lists, in `lib/field/shapes.jinja`, by which plain Copier judges, too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from generator.answers.questionnaire import Questionnaire

# A type of values, a list of one shape, or a mapping by key; the key `*` stands for any name.
Shape: TypeAlias = type | list["Shape"] | dict[str, "Shape"]
ANY_NAME = "*"
_SOURCE = "#% import 'lib/field/shapes.jinja' as s %##{ {'shapes': s.shapes, 'numbers': s.numbers} | to_json }#"


def shapes_of(questionnaire: Questionnaire) -> Mapping[str, Shape]:
    """Return the shape of the answer to each question.

    Args:
        questionnaire: The template's questions.

    Raises:
        BadInputError: The template has no table of shapes.
    """
    table: dict[str, Any] = json.loads(questionnaire.render(_SOURCE, {}))
    records = {name: _typed(shape, table["numbers"]) for name, shape in table["shapes"].items()}
    return {
        question.name: records.get(question.name, [str] if question.is_list else str)
        for question in questionnaire.questions
    }


def _typed(shape: Any, numbers: Collection[str]) -> Shape:
    """Return a shape of the table with types in place of kinds."""
    if isinstance(shape, dict):
        return {key: _typed(inside, numbers) for key, inside in shape.items()}
    if isinstance(shape, list):
        return [_typed(inside, numbers) for inside in shape]
    return int if shape in numbers else str
