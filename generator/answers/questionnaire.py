"""The questionnaire of a template: the questions of its `copier.yml`, asked and judged as Copier does it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import yaml

from generator.answers.document import path_of
from generator.answers.remembered import Remembered
from generator.answers.shapes import shapes_of
from generator.errors import BadInputError
from generator.strictyaml import load_plain, parse_value
from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jinja2.sandbox import SandboxedEnvironment

    from generator.answers.shapes import Shape

# A list as people type it: 1.1.1.1, 9.9.9.9
_WORDS = re.compile(r"[\w./@+-][\w.:/@+-]*([,;\s]+[\w./@+-][\w.:/@+-]*)*[,;\s]*")
_TEXT = "text: "
_FALSE = {"false", "no", "n", "f", "off", "~", "null", "none", "0", ""}


class Missing:
    """The default of a question that has none: a person has to answer it."""


MISSING = Missing()


@dataclass(frozen=True)
class Choice:
    """One thing that can be chosen: what is shown, and what is recorded."""

    label: str
    value: str


@dataclass(frozen=True)
class Question:
    """One question, as copier.yml has it; texts are Jinja templates.

    Attributes:
        name: Name of the answer.
        type: `str` or `yaml`.
        help: What is shown; "" for a question that the template puts to itself (a computed value, a rule).
        choices: What can be chosen; empty for free text.
        default: Template of the default, or MISSING.
        validator: Template that renders to nothing for a good value, else to what is wrong.
        ask: False for an override, which is only ever written into the answers file.
        when: Template of the condition under which the question is put.
        multiselect: Any number of choices may be taken.
        placeholder: Example, shown until something is typed.
    """

    name: str
    type: str = "str"
    help: str = ""
    choices: tuple[Choice, ...] = ()
    default: object = MISSING
    validator: str = ""
    ask: bool | str = True
    when: bool | str = True
    multiselect: bool = False
    placeholder: str = ""

    def parse(self, text: str) -> object:
        """Return the value that a text typed by a person means.

        Raises:
            ValueError: The question wants YAML, and the text is none, or does not mean what it seems to; it says so.
        """
        if self.type != "yaml":
            return text
        if self.is_list and _WORDS.fullmatch(text.strip()):
            return re.split(r"[,;\s]+", text.strip(" ,;\t\n"))
        try:
            value, notes = parse_value(text)
        except BadInputError as error:
            raise ValueError(f"{self.name} is not YAML; check brackets and quotes") from error
        for note in notes:
            raise ValueError(f"{path_of((self.name, *note.place))} {note.message}")
        return value

    @property
    def is_list(self) -> bool:
        """Whether the answer is a list."""
        return isinstance(self.default, str) and self.default.startswith("[")

    def ordered(self, value: object) -> object:
        """Return chosen values in the order of the choices, as Copier records them; other values as they are."""
        if self.multiselect and isinstance(value, list):
            return [choice.value for choice in self.choices if choice.value in value]
        return value


@dataclass(frozen=True)
class Questionnaire:
    """The questions of a template, in order, and the environment that renders their texts.

    Attributes:
        root: Folder of the template, the one that holds copier.yml.
        questions: The questions that people answer, in order.
        envops: Settings of the Jinja environment.
    """

    root: Path
    questions: tuple[Question, ...]
    envops: Mapping[str, object]

    @classmethod
    def load(cls, template_root: Path) -> Questionnaire:
        """Read the questionnaire of a template folder, once: each part of a cluster has answers to be checked by it.

        Raises:
            BadInputError: The folder holds no readable copier.yml.
        """
        return load_once(template_root)

    def __getitem__(self, name: str) -> Question:
        """Return a question by its name."""
        return next(question for question in self.questions if question.name == name)

    @cached_property
    def environment(self) -> SandboxedEnvironment:
        """The Jinja environment: that of Copier, as far as `lib/` uses it."""
        import jinja2

        from generator.answers.compiled import cache_for
        from generator.sandbox import QuickSandbox

        options: dict[str, Any] = dict(self.envops)
        options["undefined"] = jinja2.StrictUndefined
        return QuickSandbox(
            # Of what is loaded, and is not made from a string, Jinja keeps the compiled form.
            loader=jinja2.ChoiceLoader([jinja2.FunctionLoader(_text), jinja2.FileSystemLoader(self.root)]),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            bytecode_cache=cache_for(repr(sorted(self.envops.items()))),
            **options,
        )

    @cached_property
    def remembered(self) -> Remembered:
        """What was rendered with the same answers before, for as long as a check of recorded answers asks for it."""
        return Remembered()

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of the answer to each question; see `shapes_of`."""
        return shapes_of(self)

    def render(self, source: str, answers: Mapping[str, object]) -> str:
        """Render a text of the template with answers; `fmc` is true in it, so that it can tell us from plain Copier.

        Raises:
            BadInputError: The template fails on these answers, or a part of it is missing.
        """
        if not any(str(self.envops.get(f"{kind}_start_string")) in source for kind in ("block", "variable")):
            return source  # Jinja would take a millisecond to say the same, once for each question.
        return self.remembered.rendered(source, answers, lambda: self._rendered(source, answers))

    def _rendered(self, source: str, answers: Mapping[str, object]) -> str:
        from jinja2 import TemplateError

        try:
            return self.environment.get_template(_TEXT + source).render({**answers, "fmc": True})
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            fix = "This is a defect of the template; report it with the answers file."
            reason = printable(str(error))
            raise BadInputError(
                f"the template fails on these answers: {reason}", where=str(self.root), fix=fix
            ) from error

    def default(self, question: Question, answers: Mapping[str, object]) -> object:
        """Return the default of a question, given the answers before it; MISSING if it has none."""
        if not isinstance(question.default, str):
            return question.default
        return question.parse(self.render(question.default, answers))

    def fault(self, question: Question, value: object, answers: Mapping[str, object]) -> str:
        """Return what the question's validator says about a value; "" if it is good.

        Args:
            question: The question.
            value: A value of the question's type.
            answers: The answers before it.
        """
        return self.render(question.validator, {**answers, question.name: value}).strip() if question.validator else ""

    @staticmethod
    def shown(answers: Mapping[str, object]) -> str:
        """Return answers in one line, as they would stand in an answers file."""
        text: str = yaml.safe_dump(dict(answers), default_flow_style=True, width=10_000, sort_keys=False)
        return text.strip().removeprefix("{").removesuffix("}")

    def makes_sense(self, question: Question, answers: Mapping[str, object]) -> bool:
        """Tell whether a question has a meaning, be it asked or not, given the answers before it."""
        return self._holds(question.when, answers)

    def is_asked(self, question: Question, answers: Mapping[str, object]) -> bool:
        """Tell whether the question is put to a person, given the answers before it."""
        return all(self._holds(condition, answers) for condition in (question.ask, question.when))

    def _holds(self, condition: bool | str, answers: Mapping[str, object]) -> bool:
        if isinstance(condition, bool):
            return condition
        return self.render(condition, answers).strip().lower() not in _FALSE


def _question(name: str, details: Mapping[str, Any]) -> Question:
    given = details.get("choices", ())
    pairs = given.items() if isinstance(given, dict) else ((value, value) for value in given)
    known = {key: details[key] for key in Question.__dataclass_fields__ if key in details}
    return Question(**{**known, "name": name, "choices": tuple(Choice(label, value) for label, value in pairs)})


def _text(name: str) -> str | None:
    """Return a text that is a template itself, under the name that it has for Jinja; None for files."""
    return name.removeprefix(_TEXT) if name.startswith(_TEXT) else None


@cache
def load_once(template_root: Path) -> Questionnaire:
    """Read a questionnaire; see `Questionnaire.load`."""
    source = template_root / "copier.yml"
    try:
        content = load_plain(source.read_bytes())
        known = (_question(name, details) for name, details in content.items() if not name.startswith("_"))
        questions = tuple(question for question in known if question.help)
    except (OSError, yaml.YAMLError, AttributeError, TypeError) as error:
        message = f"{template_root} holds no template of fmc: can't read copier.yml"
        fix = "Check the template's address, or install fmc again if it is its own."
        raise BadInputError(message, where=str(source), fix=fix) from error
    return Questionnaire(template_root, questions, content.get("_envops", {}))
