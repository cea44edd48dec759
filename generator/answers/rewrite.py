"""Changing single answers in a person's own file: everything else stays as it was, comments and order included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from generator.answers.write import dump, one_answer
from generator.errors import BadInputError
from generator.strictyaml import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.answers.document import Document
    from generator.answers.questionnaire import Questionnaire


def with_answers(document: Document, values: Mapping[str, object], questionnaire: Questionnaire) -> bytes:
    """Return an answers file with some answers changed or added.

    Args:
        document: The file as it was read; its data hold the changed values already.
        values: The changed answers by question.
        questionnaire: The template's questions; a file that can't be changed in place (one in braces, or one whose
            anchors stand in what is replaced) is written anew.
    """
    text = document.content.decode("utf-8-sig")
    try:
        for name, value in values.items():
            text = _with_answer(text, name, value)
        is_changed = parse(text.encode(), document.file).data == dict(document.data)
    except (BadInputError, yaml.YAMLError):
        is_changed = False
    return text.encode() if is_changed else dump(document.data, questionnaire).encode()


def _with_answer(text: str, name: str, value: object) -> str:
    written = one_answer(name, value)
    node = yaml.compose(text, yaml.SafeLoader)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    for key, old in reversed(pairs):
        if key.value == name:
            start, end = key.start_mark.index, _end(text, old)
            return text[:start] + written.rstrip("\n") + text[end:]
    lines = text if text.endswith("\n") else f"{text}\n"
    return lines + written


def _end(text: str, node: yaml.Node) -> int:
    """Return where a value ends: PyYAML counts the blank lines and comments after a block to it."""
    end = int(node.end_mark.index)
    lines = text[int(node.start_mark.index) : end].splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        end -= len(lines.pop())
    return end - len(lines[-1]) + len(lines[-1].rstrip("\r\n")) if lines else end
