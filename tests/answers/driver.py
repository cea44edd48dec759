"""Asks the questionnaire in the terminal that it is started in: `python -m tests.answers.driver ANSWERS`."""

from __future__ import annotations

import sys
from pathlib import Path

from generator.answers.ask import ask
from generator.answers.load import load_kept
from generator.answers.questionnaire import Questionnaire
from generator.answers.write import save
from generator.errors import FmcError


def main() -> int:
    questionnaire = Questionnaire.load(Path(__file__).parents[2])
    path = Path(sys.argv[1])
    try:
        known = load_kept(path, questionnaire) if path.exists() else {}
        ask(questionnaire, known, lambda answers: save(path, answers, questionnaire), kept_in=path)
    except FmcError as error:
        print(f"error: {error.message}\n{error.fix}")
        return error.exit_code
    print("complete")
    return 0


if __name__ == "__main__":
    sys.exit(main())
