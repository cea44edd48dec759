"""An answers file as it lies on disk: its values, and the line of each.

PyYAML reads it because Copier does: the two give every value the same type (YAML 1.1, where `no` is false and
`52:54:00:11:22:33` a number), which the 1.1 modes of other parsers don't in every case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from generator.errors import BadInputError
from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAX_BYTES = 1 << 20
_MAX_VALUES = 10_000
_MAX_DEPTH = 16
_MAX_TEXT = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LABEL = re.compile(r"[A-Za-z0-9_-]+")
# Without libyaml only speed is lost.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def join(path: str, name: str) -> str:
    """Return the answer path of something inside another."""
    shown = printable(name, 60)
    return f"{path}.{shown}" if path else shown


def label(name: object, index: int) -> str:
    """Return what an item of a list is called in paths: its name if that is a plain word, else its index."""
    return name if isinstance(name, str) and _LABEL.fullmatch(name) else str(index)


@dataclass(frozen=True)
class Repeated:
    """A key that stands twice in its mapping.

    Attributes:
        path: Where it stands.
        line: Line of the later one.
        before: Line of the one before it.
    """

    path: str
    line: int
    before: int


@dataclass(frozen=True)
class Document:
    """What a person wrote.

    Attributes:
        file: The file, as the person named it.
        data: The values by question.
        lines: Line of each value, by its path (`networks.edge.cidr`, `nodes.worker4.address`).
        repeated: The keys that stand twice.
        options: The questions that an option answered instead of the file.
    """

    file: str
    data: Mapping[str, object]
    lines: Mapping[str, int]
    repeated: tuple[Repeated, ...] = ()
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

    def replaced(self, values: Mapping[str, object]) -> Document:
        """Return the document with some answers taken from options."""
        return Document(self.file, {**self.data, **values}, self.lines, self.repeated, frozenset(values))


def read(path: Path) -> Document:
    """Read an answers file.

    Args:
        path: A YAML file in UTF-8 of at most 1 MiB.

    Raises:
        BadInputError: It can't be read, is empty, binary, too large, not YAML, or not a mapping.
    """
    file = printable(str(path))
    text = _decode(_read_bytes(path, file), file)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise _bad(file, 0, f"{file} is empty", "Leave the option out to be asked, or start from an example.")
        if not isinstance(node, yaml.MappingNode):
            raise _bad(
                file, _line(node), f"{file} is not a mapping", "Write one `name: value` a line, like `profile: ha`."
            )
        builder = _Builder(loader, file)
        return Document(file, builder.mapping(node, "", 0), builder.lines, tuple(builder.repeated))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = [getattr(error, part, None) for part in ("context", "problem")]
        problem = printable(", ".join(filter(None, said)) or "characters that YAML does not allow", 160)
        line = mark.line + 1 if mark else 0
        raise _bad(file, line, f"{file} is not YAML: {problem}", "Correct that line; quotes often help.") from error
    except RecursionError as error:
        raise _bad(file, 0, f"{file} is nested deeper than answers are", "Write it flat.") from error


def read_value(text: str) -> object:
    """Read one value, as a person types it.

    Raises:
        ValueError: It is no YAML, or YAML that answers don't have.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return None if node is None else _Builder(loader, "the value").value(node, "", 0)
    except (yaml.YAMLError, RecursionError, BadInputError) as error:
        raise ValueError("not YAML") from error


def _bad(file: str, line: int, message: str, fix: str) -> BadInputError:
    return BadInputError(message, where=f"{file}:{line}" if line else file, fix=fix)


def _read_bytes(path: Path, file: str) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise _bad(file, 0, f"can't read {file}: {reason}", "Check the path and its permissions.") from error
    except ValueError as error:
        raise _bad(file, 0, f"can't read {file}: not a path", "Check the path.") from error
    if len(content) > _MAX_BYTES:
        raise _bad(file, 0, f"{file} is larger than 1 MiB", "Check the path; an answers file has some dozen lines.")
    return content


def _decode(content: bytes, file: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _bad(file, line, f"{file} is not text in UTF-8", "Check the path, or convert the file.") from error
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise _bad(file, line, f"{file} is not text: it holds control characters", "Check the path, or remove them.")
    return text


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Builder:
    """Turns YAML nodes into values and keeps their lines.

    Values are counted and depth is limited, so that aliases of aliases, or of themselves, end in a message.
    """

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self.lines: dict[str, int] = {}
        self.repeated: list[Repeated] = []
        self._loader = loader
        self._file = file
        self._values = 0

    def mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, object]:
        """Return a mapping with text keys; of a repeated key the last value, as Copier takes it."""
        self._expect(node, "tag:yaml.org,2002:map")
        result: dict[str, object] = {}
        for key, value in node.value:
            name = self._key(key)
            inside = join(path, name)
            if name in result:
                self.repeated.append(Repeated(inside, _line(key), self.lines[inside]))
            self.lines[inside] = _line(key)
            result[name] = self.value(value, inside, depth + 1)
        return result

    def _sequence(self, node: yaml.SequenceNode, path: str, depth: int) -> list[object]:
        self._expect(node, "tag:yaml.org,2002:seq")
        result: list[object] = []
        for index, child in enumerate(node.value):
            inside = join(path, label(self._name_in(child), index))
            if inside in self.lines:
                inside = join(path, str(index))
            self.lines[inside] = _line(child)
            result.append(self.value(child, inside, depth + 1))
        return result

    @staticmethod
    def _name_in(node: yaml.Node) -> object:
        if not isinstance(node, yaml.MappingNode):
            return None
        return next((value.value for key, value in node.value if key.value == "name"), None)

    def value(self, node: yaml.Node, path: str, depth: int) -> object:
        """Return the value of a node that stands at a path."""
        self._values += 1
        if depth > _MAX_DEPTH:
            raise self._bad(node, "is nested deeper than answers are", "Write it flat.")
        if self._values > _MAX_VALUES:
            raise self._bad(node, f"holds more than {_MAX_VALUES} values", "Check the path.")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, path, depth)
        if len(node.value) > _MAX_TEXT:
            raise self._bad(node, f"holds a value of more than {_MAX_TEXT} characters", "Shorten it.")
        try:
            node.value.encode()
            value: object = self._loader.construct_object(node, deep=True)
        except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError, yaml.YAMLError) as error:
            raise self._bad(
                node, "holds a value that is not what its form or its tag says", "Put quotes around it."
            ) from error
        return value

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._bad(node, "has a key that is not a word", "Write `name: value`.")
        if node.tag == "tag:yaml.org,2002:merge":
            raise self._bad(node, "has a merge key, which answers don't have", "Write the values out.")
        return str(node.value)

    def _expect(self, node: yaml.Node, tag: str) -> None:
        if node.tag != tag:
            raise self._bad(node, "holds a tag, which answers don't have", "Remove the tag.")

    def _bad(self, node: yaml.Node, problem: str, fix: str) -> BadInputError:
        return _bad(self._file, _line(node), f"{self._file} {problem}", fix)
