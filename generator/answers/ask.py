"""Asking a person in a terminal what the answers file does not say; the texts are those of copier.yml."""

from __future__ import annotations

import os
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.answers.questionnaire import MISSING
from generator.answers.rules import judge
from generator.answers.typecheck import check_types, overlap
from generator.answers.values import check_value
from generator.errors import BadInputError, InterruptedByUserError
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import questionary

    from generator.answers.questionnaire import Question, Questionnaire

# Where ssh-keygen(1) puts public keys, the shortest first; DSA ones are refused anyway.
_OWN_KEYS = ("id_ed25519.pub", "id_ed25519_sk.pub", "id_ecdsa.pub", "id_ecdsa_sk.pub", "id_rsa.pub")


def ask(
    questionnaire: Questionnaire,
    known: Mapping[str, object],
    save: Callable[[Mapping[str, object]], None],
    *,
    kept_in: Path,
) -> dict[str, Any]:
    """Ask what is not known yet, one question after the other.

    Args:
        questionnaire: The template's questions.
        known: Good answers by question, which are not asked again.
        save: Called with all answers after each one, so that none is lost.
        kept_in: Where `save` writes them, for the message to somebody who stops.

    Returns:
        The known answers and the given ones.

    Raises:
        BadInputError: There is no terminal to ask in.
        InterruptedByUserError: Ctrl-C or Ctrl-D was pressed; what was answered is saved.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fix = "Give the answers as a file: fmc new --answers FILE"
        raise BadInputError("there is no terminal to ask the questions in", fix=fix)
    answers = dict(known)
    put = [question for question in questionnaire.questions if question.ask is not False and question.when is not False]
    try:
        for number, question in enumerate(put, start=1):
            if question.name not in answers and questionnaire.is_asked(question, answers):
                answers[question.name] = _Prompt(questionnaire, question, answers, f"{number}/{len(put)}").answer()
                save(answers)
    except (KeyboardInterrupt, EOFError) as error:
        raise _interrupted(answers, kept_in) from error
    return answers


def _interrupted(answers: Mapping[str, object], kept_in: Path) -> InterruptedByUserError:
    if not answers:
        return InterruptedByUserError("stopped; nothing was answered and nothing was written")
    message = f"stopped; what you have answered is kept in {kept_in}"
    return InterruptedByUserError(message, fix="Run `fmc new` again in the same place: it asks for the rest.")


@dataclass(frozen=True)
class _Prompt:
    """One question on the screen.

    Attributes:
        questionnaire: The template's questions.
        question: The one that is put.
        before: The answers so far.
        number: Which question this is, as `3/12`.
    """

    questionnaire: Questionnaire
    question: Question
    before: Mapping[str, object]
    number: str

    def answer(self) -> object:
        """Return a good answer; questionary sees to that while a person types, but can't where one thing is chosen."""
        while True:
            given = self._widget().unsafe_ask()
            fault = self._fault(given)
            if not fault:
                return self._value(given)
            print(f"  {fault}")

    def _widget(self) -> questionary.Question:
        import questionary

        question = self.question
        if not question.choices:
            return questionary.text(
                self._message(), self._text(), self._verdict, self.number, placeholder=question.placeholder
            )
        default: Any = self.questionnaire.default(question, self.before)
        marked = default if question.multiselect else ()
        choices = [
            questionary.Choice(choice.label, choice.value, checked=choice.value in marked)
            for choice in question.choices
        ]
        if question.multiselect:
            return questionary.checkbox(self._message(), choices, validate=self._verdict, qmark=self.number)
        return questionary.select(self._message(), choices, default, qmark=self.number)

    def _message(self) -> str:
        """Return the help in lines of the terminal's width, since a prompt is cut at its right end."""
        indent = " " * (len(self.number) + 1)
        width = max((os.get_terminal_size().columns or 80) - len(indent), 20)
        return textwrap.fill(self.question.help, width).replace("\n", f"\n{indent}") + "\n"

    def _text(self) -> str:
        """Return the default as a person would type it, "" if there is none."""
        if self.question.default is not MISSING:
            return self.questionnaire.render(str(self.question.default), self.before)
        return self._own_public_key() if self.question.name == "ssh_public_key" else ""

    def _own_public_key(self) -> str:
        """Return the SSH public key that this user already has, "" if there is none."""
        for name in _OWN_KEYS:
            try:
                key = (Path.home() / ".ssh" / name).read_text("utf-8").strip()
            except (OSError, RuntimeError, ValueError):
                continue
            if not self._fault(key):
                return key
        return ""

    def _value(self, given: Any) -> object:
        """Return the answer that a person meant: what was chosen, or what the typed text says.

        Raises:
            ValueError: The question wants YAML, and the text is none.
        """
        return self.question.parse(given.strip()) if isinstance(given, str) and not self.question.choices else given

    def _verdict(self, given: Any) -> bool | str:
        """Return the fault in the form that questionary wants."""
        return self._fault(given) or True

    def _fault(self, given: Any) -> str:
        """Return what is wrong with what was typed or chosen, "" if nothing is."""
        try:
            value = self._value(given)
        except ValueError as error:
            return str(error)
        faults = check_types({self.question.name: value}).faults or check_value(
            self.questionnaire, self.question, value, self.before
        )
        found = [(fault.message, fault.fix) for fault in faults] or self._contradictions(value)
        return ". ".join(filter(None, found[0])) if found else ""

    def _contradictions(self, value: object) -> list[tuple[str, str]]:
        """Return message and fix of the rules between answers that only look at what is answered by now."""
        answered = {**self.before, self.question.name: value}
        data = dict(answered)
        open_questions = set()
        for question in self.questionnaire.questions:
            if question.name not in answered:
                data[question.name] = self.questionnaire.default(question, data)
                if self.questionnaire.is_asked(question, data):
                    open_questions.add(question.name)
        return [
            (problem.message, problem.fix)
            for problem in judge(self.questionnaire, data, open_questions).problems
            if problem.severity == Severity.ERROR and any(overlap(need, self.question.name) for need in problem.needs)
        ]
