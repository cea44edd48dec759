"""One question on the screen: its looks at any width, what is said while it is typed, and the key that leads back."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.answers.questionnaire import MISSING
from generator.answers.typecheck import check_types
from generator.answers.values import check_value
from generator.answers.wayout import contradictions, moved_ranges
from generator.signals import interrupts_held

if TYPE_CHECKING:
    from collections.abc import Mapping

    import questionary

    from generator.answers.questionnaire import Question, Questionnaire

# Where ssh-keygen(1) puts public keys, the shortest first; DSA ones are refused anyway.
_OWN_KEYS = ("id_ed25519.pub", "id_ed25519_sk.pub", "id_ecdsa.pub", "id_ecdsa_sk.pub", "id_rsa.pub")
_BACK_KEY = "c-b"
_BACK_HINT = "Ctrl-B: back"


class Back:
    """The person wants the question before this one."""


@dataclass
class Prompt:
    """One question on the screen.

    Attributes:
        questionnaire: The template's questions.
        question: The one that is put.
        before: The answers so far.
        number: Which question this is, as `3/12`.
        earlier: The answer that was given before the person went back; None where there is none.
    """

    questionnaire: Questionnaire
    question: Question
    before: Mapping[str, object]
    number: str
    earlier: object = None
    _faults: dict[str, str] = field(default_factory=dict)

    def answer(self) -> dict[str, object] | Back:
        """Return a good answer by its question, and what else a person agreed to; or the wish to go back."""
        given: Any = None
        while True:
            given = self._asked(given)
            if isinstance(given, Back):
                return given
            if isinstance(given, str) and not given.strip():
                given = self._offered()
            fault = self._fault(given)
            if not fault:
                return {self.question.name: self._value(given)}
            print(self._wrapped(fault, "  "))
            moved = self._way_out(given)
            if moved:
                return {self.question.name: self._value(given), **moved}

    def _asked(self, given: Any) -> Any:
        from prompt_toolkit.filters import Condition
        from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings

        keys = KeyBindings()

        @keys.add(_BACK_KEY, eager=True)
        def _(event: Any) -> None:
            event.app.exit(result=Back())

        @keys.add("enter", eager=True, filter=Condition(self._is_refused))
        def _(event: Any) -> None:
            # What is wrong stands below the line already; the question stays as it is, to be corrected.
            event.app.output.bell()

        widget = self._widget(given)
        application = widget.application
        application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), keys])
        # While a person types, Ctrl-C is a key; at the end of the question's event loop it would be lost.
        with interrupts_held():
            return widget.unsafe_ask()

    def _widget(self, given: Any) -> questionary.Question:
        """Return the question as questionary shows it.

        Args:
            given: What was typed or chosen, and refused: there to be corrected. None at first.
        """
        import questionary

        question = self.question
        if not question.choices:
            return questionary.text(
                self._message(),
                given or "",
                qmark=self.number,
                # Typing takes its place; a text to be edited would be appended to.
                placeholder=self._offered() or question.placeholder,
                bottom_toolbar=self._toolbar,
                style=questionary.Style([("bottom-toolbar", "noreverse")]),
            )
        default: Any = self.earlier if self.earlier is not None else self.questionnaire.default(question, self.before)
        marked = () if not question.multiselect else default if given is None else given
        labels = {choice.value: self._wrapped(choice.label, "      ").strip() for choice in question.choices}
        choices = [questionary.Choice(label, value, checked=value in marked) for value, label in labels.items()]
        if question.multiselect:
            hint = f"(arrows, space ticks, Enter; {_BACK_HINT})"
            return questionary.checkbox(self._message(), choices, qmark=self.number, instruction=hint)
        hint = f"(arrows, Enter; {_BACK_HINT})"
        return questionary.select(self._message(), choices, default, qmark=self.number, instruction=hint)

    def _is_refused(self) -> bool:
        """Return whether the typed line is wrong, and nothing can be offered but to correct it."""
        text = self._typed()
        return bool(text and self._told(text) and not self._moves(text))

    def _typed(self) -> str:
        """Return the line as it is now, "" where one thing is chosen or nothing is typed."""
        from prompt_toolkit.application import get_app

        text = "" if self.question.choices else get_app().current_buffer.text
        return text if text.strip() else ""

    def _told(self, text: str) -> str:
        """Return what is wrong with a line; it is looked at with each key and each drawing."""
        if text not in self._faults:
            self._faults[text] = self._fault(text)
        return self._faults[text]

    def _toolbar(self) -> str:
        """Return what stands below the line while it is typed: what is wrong with it, or what the keys do."""
        text = self._typed()
        if text and self._told(text):
            return self._wrapped(self._told(text), "  ")
        takes = "Enter takes what is shown in grey; " if self._offered() and not text else ""
        return self._wrapped(f"{takes}{_BACK_HINT}; Ctrl-C: stop, and go on another time", "  ")

    def _message(self) -> str:
        """Return the help in lines of the terminal's width, since a prompt is cut at its right end."""
        return self._wrapped(self.question.help, " " * (len(self.number) + 1)).strip() + "\n"

    @staticmethod
    def _wrapped(text: str, indent: str) -> str:
        try:
            columns = os.get_terminal_size().columns or 80
        except OSError:
            columns = 80
        return textwrap.fill(text, max(columns - 1, 20), initial_indent=indent, subsequent_indent=indent)

    def _offered(self) -> str:
        """Return what an empty line stands for, as a person would type it; "" if it stands for nothing."""
        if self.earlier is not None:
            return ", ".join(map(str, self.earlier)) if isinstance(self.earlier, list) else str(self.earlier)
        if self.question.default is not MISSING:
            return self.questionnaire.render(str(self.question.default), self.before)
        return self._own_public_key() if self.question.name == "ssh_public_key" else ""

    def _own_public_key(self) -> str:
        """Return the SSH public key that this user already has, "" if there is none; one for this cluster first."""
        for name in (f"id_ed25519_{self.before.get('name')}.pub", *_OWN_KEYS):
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
            ValueError: The text does not say what the question wants; it says why.
        """
        return self.question.parse(given.strip()) if isinstance(given, str) and not self.question.choices else given

    def _fault(self, given: Any) -> str:
        """Return what is wrong with what was typed or chosen, "" if nothing is."""
        if given == "":
            return "this question has no default; it needs an answer"
        try:
            value = self._value(given)
        except ValueError as error:
            return str(error)
        faults = check_types({self.question.name: value}, self.questionnaire.shapes).faults or check_value(
            self.questionnaire, self.question, value, self.before
        )
        found = [(fault.message, fault.fix) for fault in faults] or [
            (problem.message, problem.fix)
            for problem in contradictions(self.questionnaire, self.question, value, self.before)
        ]
        return " ".join(f"{message}. {fix}".strip() for message, fix in found)

    def _moves(self, given: Any) -> dict[str, object]:
        """Return what no question is about, and could move out of the way of an answer."""
        try:
            value = self._value(given)
        except ValueError:
            return {}
        if self.question.name != "edge" or check_value(self.questionnaire, self.question, value, self.before):
            return {}
        return dict(moved_ranges(self.questionnaire, self.question, value, self.before))

    def _way_out(self, given: Any) -> dict[str, object]:
        """Offer to move what is in the way of an answer; return what a person agreed to."""
        moved = self._moves(given)
        if not moved:
            return {}
        import questionary

        shown = self.questionnaire.shown(moved)
        question = f"The cluster's own networks can move out of its way: {shown}. Do that?"
        with interrupts_held():
            agreed = questionary.confirm(self._wrapped(question, "  ").strip() + "\n", qmark=self.number).unsafe_ask()
        return moved if agreed else {}
