"""Writing answers.yaml: the answers with the questions as comments, to be read, changed and given to fmc or Copier."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import yaml
from yaml.representer import SafeRepresenter

from generator.errors import BadInputError
from generator.files import write_atomic, write_error
from generator.wording import command, printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.answers.questionnaire import Question, Questionnaire

_WIDTH = 100
_DRAFT = "# Unfinished: `fmc new` asks for what is missing."
_HEAD = """\
# The answers of this cluster. Change what you like; `fmc new --answers` with this file checks and renders it.
# Plain Copier takes it as well, one repository a run: copier copy --data-file FILE -d layout=infra TEMPLATE infra
"""


class _Representer(SafeRepresenter):
    """Writes a value that occurs twice twice, without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def dump(data: Mapping[str, object], questionnaire: Questionnaire) -> str:
    """Return the text of an answers file.

    Args:
        data: Answers by question. Questions that people are asked are written with their help as a comment, the others
            only where they differ from their default. A file that lacks an asked question is marked as unfinished.
        questionnaire: The template's questions.
    """
    blocks = [_HEAD]
    before: dict[str, object] = {}
    for question in questionnaire.questions:
        asked = questionnaire.is_asked(question, before)
        if question.name in data:
            value = data[question.name]
            if asked or value != questionnaire.default(question, before):
                blocks.append(_comment(question) + one_answer(question.name, value))
            before[question.name] = value
        elif asked and blocks[0] == _HEAD:
            blocks[0] = f"{_DRAFT}\n{_HEAD}"
    return "\n".join(blocks)


def save(path: Path, data: Mapping[str, object], questionnaire: Questionnaire) -> None:
    """Write an answers file, finished or not.

    Args:
        path: A file that is not there yet, or one that an earlier call left unfinished.
        data: Answers by question.
        questionnaire: The template's questions.

    Raises:
        BadInputError: The file is finished, so it belongs to a person; it is untouched.
        WriteError: The disk refused.
    """
    if not is_replaceable(path):
        shown = printable(str(path))
        fix = f"Use it with {command('fmc', 'new', '--answers', str(path))}, or move it away to be asked again."
        raise BadInputError(f"{shown} is there already and may hold changes of yours", where=shown, fix=fix)
    write_atomic(path, dump(data, questionnaire).encode())


def is_replaceable(path: Path) -> bool:
    """Tell whether answers may be written to a path: nothing is there, or what `save` left unfinished.

    Raises:
        WriteError: The path can't be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.readline(len(_DRAFT) + 1) == f"{_DRAFT}\n".encode()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise write_error(path, error) from error


def _comment(question: Question) -> str:
    lines = _wrapped(question.help, "# ")
    for choice in question.choices:
        lines += _wrapped(choice.label, "#   ")
    return "".join(f"{line}\n" for line in lines)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def one_answer(name: str, value: object) -> str:
    """Return the line or lines of one answer, without a comment."""
    return _yaml({name: value})


def _yaml(value: dict[str, object]) -> str:
    """Return YAML that PyYAML, so Copier as well, reads back as it was; innermost collections in one line."""
    # A flow style of None is that of the innermost collections alone; an answer itself begins a line.
    node = _Representer(default_flow_style=None, sort_keys=False).represent_dict(value)  # type: ignore[arg-type]
    node.flow_style = False
    text: str = yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True, width=10_000)
    return text
