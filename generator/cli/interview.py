"""`fmc new` without a file: the answers that lie here, or the questions, kept in answers.yaml after each one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.local.repository import RECORDED_ANSWERS
from generator.errors import BadInputError
from generator.workspace import ANSWERS_FILE, workspace_around

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.console import Console


def find_answers(console: Console, overrides: Mapping[str, str]) -> Path:
    """Return the answers of the workspace one stands in, or what its repositories record; ask where there is none.

    Args:
        console: Is told which answers they are.
        overrides: Answers given as options: they are not asked for, and decide what is.

    Raises:
        BadInputError: Nobody is there to answer, or the file can't be read.
        InterruptedByUserError: Ctrl-C; what was answered is kept.
    """
    workspace = workspace_around(Path.cwd())
    if workspace is None or workspace.answers.is_file():
        return _interview(workspace.answers if workspace else Path(ANSWERS_FILE), console, overrides)
    rendered = sorted(workspace.rendered())
    if not rendered:
        return _interview(Path(ANSWERS_FILE), console, overrides)
    console.note(f"The answers are those that {rendered[0].name} records; they will be kept in {ANSWERS_FILE}.")
    return rendered[0] / RECORDED_ANSWERS


def _interview(path: Path, console: Console, overrides: Mapping[str, str]) -> Path:
    """Ask for the answers, and return the file that they are in; a finished one is taken as it is.

    Raises:
        BadInputError: Nobody is there to answer, or the file can't be read.
        InterruptedByUserError: Ctrl-C; what was answered is kept.
    """
    from generator.answers.ask import ask
    from generator.answers.load import load_kept
    from generator.answers.questionnaire import Questionnaire
    from generator.answers.write import is_replaceable
    from generator.answers.write import save as save_answers
    from generator.template.source import template_root

    if not is_replaceable(path):
        console.note(f"The answers are taken from {path}. Edit it to change one, or move it away to be asked again.")
        return path
    if not sys.stdin.isatty():
        raise BadInputError(
            "nobody can be asked here: this is no terminal", fix="Name an answers file: `fmc new --answers FILE`."
        )
    questionnaire = Questionnaire.load(template_root())
    known = load_kept(path, questionnaire, overrides)
    if path.exists() and known:
        console.note(f"Going on with the {len(known)} answers in {path}.")

    def save(answers: Mapping[str, object]) -> None:
        save_answers(path, answers, questionnaire)

    ask(questionnaire, known, save, kept_in=path)
    return path
