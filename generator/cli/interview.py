"""The questions of `fmc new` without a file: asked, and kept in answers.yaml after each one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from generator.cli.options import console
from generator.errors import BadInputError
from generator.files import write_atomic
from generator.workspace import ANSWERS_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping


def interview(interactive: bool, template_url: str | None) -> Path:
    """Ask for the answers, and return the file that they are in; questions that it answers already are not asked.

    Raises:
        BadInputError: Nobody is there to answer, or the file can't be read.
        InterruptedByUserError: Ctrl-C; what was answered is kept.
    """
    from generator.answers.ask import ask
    from generator.answers.document import read
    from generator.answers.questionnaire import Questionnaire
    from generator.answers.write import dump
    from generator.template.source import find_template

    path = Path(ANSWERS_FILE)
    if not interactive:
        raise BadInputError(
            "nobody can be asked here: this is no terminal", fix="Name an answers file: `fmc new --answers FILE`."
        )
    questionnaire = Questionnaire.load(find_template(template_url).root)

    def save(answers: Mapping[str, object]) -> None:
        write_atomic(path, dump(answers, questionnaire).encode())

    known = read(path).data if path.exists() else {}
    if known:
        console().note(f"Going on with {path}; edit it to change an answer.")
    ask(questionnaire, known, save)
    return path
