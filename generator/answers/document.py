"""An answers file as it lies on disk: its values, and the line of each by answer path (`nodes.worker4.address`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.inputs import read_bounded
from generator.strictyaml import Limits, Note, parse
from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LABEL = re.compile(r"[A-Za-z0-9_-]+")
_LIMITS = Limits()


def join(path: str, name: str) -> str:
    """Return the answer path of something inside another."""
    shown = printable(name, 60)
    return f"{path}.{shown}" if path else shown


def label(item: object) -> str:
    """Return what an item of a list is called in paths: its name if that is a plain word; "" counts it instead."""
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) and _LABEL.fullmatch(name) else ""


@dataclass(frozen=True)
class Document:
    """What a person wrote.

    Attributes:
        file: The file, as the person named it.
        content: The file as it was read; it may be a pipe that nobody can read again.
        data: The values by question.
        lines: Line of each value, by its path.
        notes: What is wrong with single values.
        options: The questions that an option answered instead of the file.
    """

    file: str
    content: bytes
    data: Mapping[str, object]
    lines: Mapping[str, int]
    notes: tuple[Note, ...] = ()
    options: frozenset[str] = frozenset()

    def place(self, *paths: str) -> tuple[str, int]:
        """Return file and line of the first path that stands anywhere, else of its nearest parent; else line 0."""
        for path in paths:
            question = path.partition(".")[0]
            if question in self.options:
                return f"--set {question}", 0
            parent = path
            while parent:
                if parent in self.lines:
                    return self.file, self.lines[parent]
                parent = parent.rpartition(".")[0]
        return self.file, 0


def read(path: Path) -> Document:
    """Read an answers file.

    Args:
        path: A YAML file in UTF-8 of at most 1 MiB, or a pipe.

    Raises:
        BadInputError: It can't be read, is empty, binary, too large, not YAML, or not a mapping.
    """
    file = printable(str(path))
    content = read_bounded(path, _LIMITS.bytes)
    parsed = parse(content, file, _LIMITS, label)
    lines = {path_of(place): line for place, line in parsed.lines.items()}
    return Document(file, content, parsed.data, lines, parsed.notes)


def path_of(place: tuple[str, ...]) -> str:
    """Return the answer path of a place in a file."""
    path = ""
    for name in place:
        path = join(path, name)
    return path
