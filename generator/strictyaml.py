"""YAML that people write, read strictly: values with their lines, and what of it does not mean what it seems to.

PyYAML reads it because Copier does: the two give every value the same type (YAML 1.1, where `no` is false and `010` is
eight), which the 1.1 modes of other parsers don't in every case. What is no YAML, or more of it than a person writes,
is refused as a whole; everything else that is wrong becomes a note, and the reader goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from generator.errors import BadInputError
from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Place = tuple[str, ...]
    """Where a value stands: the keys that lead to it; an item of a list goes by its number, or what names it."""

NUMBER = "number"
"""The rule of notes about a number that YAML reads otherwise than people do."""
VALUE = "value"
"""The rule of notes about what can't be used as it stands."""
REPEATED = "repeated"
"""The rule of notes about a key that stands twice; its last value is in the data, others are not there when noted."""
NO_KEY = "?"
"""Last part of the place of an entry whose key can't be one."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Digits as everybody reads them; no file of ours has larger numbers.
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_MAX_DIGITS = 100
# Without libyaml only speed is lost.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_plain(content: bytes) -> Any:
    """Return what a file holds that Copier wrote, or that belongs to the template; nobody has to be told its lines.

    Raises:
        yaml.YAMLError: It is no YAML.
        ValueError: It is no text, or a value of it is impossible.
    """
    return yaml.load(content, _Loader)  # noqa: S506 - a SafeLoader


class UnreadableError(BadInputError):
    """A file that is no YAML, or more of it than a person writes.

    Attributes:
        line: The line; 0 if it is about the whole.
    """

    def __init__(self, message: str, *, file: str, line: int, fix: str) -> None:
        super().__init__(message, where=f"{file}:{line}" if line else file, fix=fix)
        self.line = line


@dataclass(frozen=True)
class Limits:
    """How much a file may hold; beyond it somebody has taken the wrong file, or means harm.

    Attributes:
        bytes: Of the whole file.
        values: In the whole file, those that aliases repeat included.
        depth: Of mappings and lists in each other.
        text: Characters of one value.
    """

    bytes: int = 1 << 20
    values: int = 10_000
    depth: int = 16
    text: int = 4096


@dataclass(frozen=True)
class Note:
    """What is wrong at one place, though the file can be read.

    Attributes:
        rule: NUMBER, VALUE or REPEATED.
        place: Where it stands.
        line: Its line.
        message: What is wrong, as the end of a sentence that begins with the place.
        fix: What to do.
    """

    rule: str
    place: Place
    line: int
    message: str
    fix: str


@dataclass(frozen=True)
class Content:
    """What a file says.

    Attributes:
        data: Its values. Of a repeated key the last one counts, as Copier takes it; None stands for an unusable value.
        lines: Line of each value.
        notes: What is wrong with single values.
    """

    data: dict[str, object]
    lines: Mapping[Place, int]
    notes: tuple[Note, ...]


def parse(
    content: bytes, file: str, limits: Limits = Limits(), name_of: Callable[[dict[str, str]], str] | None = None
) -> Content:
    """Read a file whose top is a mapping.

    Args:
        content: All of its bytes, UTF-8.
        file: What it is called in messages; made printable already.
        limits: How much it may hold.
        name_of: Gives the name of an item of a list from its texts by key; "" counts it instead.

    Raises:
        UnreadableError: It is empty, binary, too large, no YAML, or no mapping.
    """
    if len(content) > limits.bytes:
        raise UnreadableError(
            f"{file} is larger than {limits.bytes >> 20} MiB",
            file=file,
            line=0,
            fix="Check the path; it has some dozen lines.",
        )
    builder, node = _composed(_decode(content, file), file, limits, name_of)
    if node is None:
        raise UnreadableError(f"{file} is empty", file=file, line=0, fix="Start from an example, or restore it.")
    if not isinstance(node, yaml.MappingNode):
        raise UnreadableError(
            f"{file} is not a mapping", file=file, line=_line(node), fix="Write one `name: value` a line."
        )
    data = builder.mapping(node, (), 0)
    return Content(data, builder.lines, tuple(builder.notes))


def parse_value(text: str) -> tuple[object, tuple[Note, ...]]:
    """Read one value, as a person types it; notes on it go with it.

    Raises:
        UnreadableError: It is no YAML, or more of it than anybody types.
    """
    builder, node = _composed(text, "the value", Limits(), None)
    return (None if node is None else builder.value(node, (), 0)), tuple(builder.notes)


def _composed(
    text: str, file: str, limits: Limits, name_of: Callable[[dict[str, str]], str] | None
) -> tuple[_Builder, yaml.Node | None]:
    try:
        loader = _Loader(text)
        return _Builder(loader, file, limits, name_of), loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = [getattr(error, part, None) for part in ("context", "problem")]
        problem = printable(", ".join(filter(None, said)) or "characters that YAML does not allow", 160)
        line = mark.line + 1 if mark else 0
        raise UnreadableError(
            f"{file} is not YAML: {problem}", file=file, line=line, fix="Correct that line; quotes often help."
        ) from error
    except RecursionError as error:
        raise UnreadableError(f"{file} is nested too deep", file=file, line=0, fix="Write it flat.") from error


def _decode(content: bytes, file: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            f"{file} is not text in UTF-8", file=file, line=line, fix="Check the path, or convert the file."
        ) from error
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise UnreadableError(
            f"{file} is not text: it holds control characters",
            file=file,
            line=line,
            fix="Check the path, or remove them.",
        )
    return text


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Builder:
    """Turns YAML nodes into values and keeps their lines.

    Values are counted and depth is limited, so that aliases of aliases, or of themselves, end in a message.
    """

    def __init__(
        self,
        loader: yaml.SafeLoader,
        file: str,
        limits: Limits,
        name_of: Callable[[dict[str, str]], str] | None,
    ) -> None:
        self.lines: dict[Place, int] = {}
        self.notes: list[Note] = []
        self._loader = loader
        self._file = file
        self._limits = limits
        self._name_of = name_of
        self._values = 0

    def mapping(self, node: yaml.MappingNode, place: Place, depth: int) -> dict[str, object]:
        """Return a mapping with text keys."""
        result: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._note(VALUE, key, (*place, NO_KEY), "is a key that is not a word", "Write `name: value`.")
            elif key.tag == "tag:yaml.org,2002:merge":
                message = "is a merge key (`<<`), which nobody follows here"
                self._note(VALUE, key, (*place, NO_KEY), message, "Write the values out.")
            else:
                name = str(key.value)
                inside = (*place, name)
                if name in result:
                    before = f"stands twice, before in line {self.lines[inside]}"
                    self._note(REPEATED, key, inside, before, "Remove one of them.")
                self.lines[inside] = _line(key)
                result[name] = self.value(value, inside, depth + 1)
        return result

    def _sequence(self, node: yaml.SequenceNode, place: Place, depth: int) -> list[object]:
        result: list[object] = []
        for index, child in enumerate(node.value):
            inside = (*place, self._name_in(child) or str(index))
            if inside in self.lines:
                inside = (*place, str(index))
            self.lines[inside] = _line(child)
            result.append(self.value(child, inside, depth + 1))
        return result

    def _name_in(self, node: yaml.Node) -> str:
        if self._name_of is None or not isinstance(node, yaml.MappingNode):
            return ""
        return self._name_of({key.value: text.value for key, text in node.value if isinstance(text, yaml.ScalarNode)})

    def value(self, node: yaml.Node, place: Place, depth: int) -> object:
        """Return the value of a node that stands at a place; None for one that is noted as unusable."""
        self._values += 1
        if depth > self._limits.depth:
            raise UnreadableError(
                f"{self._file} is nested too deep", file=self._file, line=_line(node), fix="Write it flat."
            )
        if self._values > self._limits.values:
            message = f"{self._file} holds more than {self._limits.values} values"
            raise UnreadableError(message, file=self._file, line=_line(node), fix="Check the path.")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self.mapping(node, place, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return self._sequence(node, place, depth)
        self._note(VALUE, node, place, "has a tag, which nobody follows here", "Remove the tag.")
        return None

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> object:
        is_number = node.tag == "tag:yaml.org,2002:int"
        most = _MAX_DIGITS if is_number else self._limits.text
        if len(node.value) > most:
            self._note(VALUE, node, place, f"has more than {most} characters", "Shorten it.")
            return None
        try:
            node.value.encode()
            value: object = self._loader.construct_object(node, deep=True)
        except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError, yaml.YAMLError):
            self._note(VALUE, node, place, "is not what its form or its tag says", "Put quotes around it.")
            return None
        if is_number and not _PLAIN_NUMBER.fullmatch(node.value):
            message = f"is written {node.value}, which YAML takes for {value}"
            self._note(NUMBER, node, place, message, f"Write {value}, or the number that you mean in plain digits.")
        return value

    def _note(self, rule: str, node: yaml.Node, place: Place, message: str, fix: str) -> None:
        self.lines.setdefault(place, _line(node))
        self.notes.append(Note(rule, place, _line(node), printable(message), printable(fix)))
