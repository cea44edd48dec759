"""`.copier-answers.yml` leaves out what is empty; an update then takes the default."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from generator.answers.questionnaire import MISSING, Questionnaire
from generator.answers.typecheck import check_types
from generator.answers.values import check_value

from .conftest import ROOT, SSH_KEY

QUESTIONS = Questionnaire.load(ROOT)
EMPTY: tuple[Any, ...] = ("", [], {})


def recorded(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers that the template writes, of those that Copier gives it."""
    text = QUESTIONS.render(
        "#% include 'lib/answers.jinja' %#",
        {"_copier_answers": {"check": "", **answers}, "template_origin": {"_src_path": "", "_commit": "v1.0.0"}},
    )
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.mark.parametrize("name", [question.name for question in QUESTIONS.questions])
def test_an_empty_answer_is_recorded_unless_it_is_the_default(name: str) -> None:
    """A further question with a default, that may be answered with nothing, has to be named in lib/answers.jinja."""
    question = QUESTIONS[name]
    before: dict[str, Any] = {"ssh_public_key": SSH_KEY}
    for other in QUESTIONS.questions:
        if other.name == name:
            break
        before.setdefault(other.name, QUESTIONS.default(other, before))
    for empty in EMPTY:
        faults = check_types({name: empty}, QUESTIONS.shapes).faults or check_value(QUESTIONS, question, empty, before)
        if not faults and question.default is not MISSING:
            assert (name in recorded({name: empty})) == (empty != QUESTIONS.default(question, before)), empty


def test_what_is_not_empty_is_recorded() -> None:
    answers = {"name": "home", "components": ["traefik"], "counts": {"workers": 0}}
    assert recorded(answers) == {"_commit": "v1.0.0", **answers}
