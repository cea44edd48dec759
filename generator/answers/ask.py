"""Asking a person in a terminal what the answers file does not say; the texts are those of copier.yml."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from generator.answers.prompt import Back, Prompt
from generator.errors import BadInputError, InterruptedByUserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from generator.answers.questionnaire import Question, Questionnaire


def ask(
    questionnaire: Questionnaire,
    known: Mapping[str, object],
    save: Callable[[Mapping[str, object]], None],
    *,
    kept_in: Path,
) -> dict[str, Any]:
    """Ask what is not known yet, one question after the other; a key leads back to the question before.

    Args:
        questionnaire: The template's questions.
        known: Good answers by question, which are not asked again unless a person goes back to them.
        save: Called with all answers after each one, so that none is lost.
        kept_in: Where `save` writes them, for the message to somebody who stops.

    Returns:
        The known answers and the given ones.

    Raises:
        BadInputError: There is no terminal to ask in.
        InterruptedByUserError: Ctrl-C or Ctrl-D was pressed; what was answered is saved.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fix = "Give the answers as a file: `fmc new --answers FILE`."
        raise BadInputError("there is no terminal to ask the questions in", fix=fix)
    answers = dict(known)
    try:
        _ask_all(questionnaire, answers, save)
    except (KeyboardInterrupt, EOFError) as error:
        raise _interrupted(answers, kept_in) from error
    return answers


def _ask_all(
    questionnaire: Questionnaire, answers: dict[str, object], save: Callable[[Mapping[str, object]], None]
) -> None:
    put = [
        question
        for question in questionnaire.questions
        if question.ask is not False and (question.name in answers or questionnaire.is_asked(question, answers))
    ]
    earlier: dict[str, object] = {}
    # What was moved out of an answer's way goes back with that answer.
    moved_for: dict[str, list[str]] = {}
    position = 0
    while position < len(put):
        question = put[position]
        if question.name in answers or not questionnaire.is_asked(question, answers):
            position += 1
            continue
        number = f"{position + 1}/{len(put)}"
        given = Prompt(questionnaire, question, answers, number, earlier.get(question.name)).answer()
        if isinstance(given, Back):
            before = _one_before(put, position, answers)
            if before is not None:
                position = before
                name = put[before].name
                earlier[name] = answers.pop(name)
                for moved in moved_for.pop(name, ()):
                    answers.pop(moved, None)
            continue
        moved_for[question.name] = [name for name in given if name != question.name and name not in answers]
        answers.update(given)
        save(answers)


def _one_before(put: list[Question], position: int, answers: Mapping[str, object]) -> int | None:
    """Return the position of the answered question before one; None at the first one."""
    return next((index for index in reversed(range(position)) if put[index].name in answers), None)


def _interrupted(answers: Mapping[str, object], kept_in: Path) -> InterruptedByUserError:
    if not answers:
        return InterruptedByUserError("stopped; nothing was answered and nothing was written")
    message = f"stopped; what you have answered is kept in {kept_in}"
    return InterruptedByUserError(message, fix="Run `fmc new` again in the same place: it asks for the rest.")
