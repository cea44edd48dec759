"""Reading YAML as Kubernetes does: through Go's `sigs.k8s.io/yaml`, which is YAML 1.1 with rules of its own.

Python's readers give other types: to Go `y`, `n` and `on` are booleans, `0o17` and `1e3` numbers, `1:30` and dates
text. What a Kubernetes reader refuses or silently drops is a problem here: repeated keys, keys without text, numbers
that JSON lacks, aliases without end, and whatever stands between two documents.

Source of the rules: go.yaml.in/yaml/v2, resolve.go and decode.go (strict), and yaml.go of sigs.k8s.io/yaml v1.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from generator.checks.reading.goscalars import PLAIN, PREFIX, TEXT, key_text, scalar
from generator.findings import declare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from generator.findings import Rule

ENCODING = declare("yaml/encoding", "A YAML file is UTF-8.")
SYNTAX = declare("yaml/syntax", "A YAML file can be parsed.")
DUPLICATE_KEY = declare("yaml/duplicate-key", "A mapping has each key once; readers disagree about which one wins.")
VALUE = declare("yaml/value", "A manifest holds only what JSON can hold, as Kubernetes reads it through JSON.")
DOCUMENT_MARKER = declare("yaml/document-marker", "Documents are divided by lines of three dashes and nothing else.")

Step = str | int
"""One step into a value: a key or an index."""


@dataclass(frozen=True)
class YamlProblem:
    """What is wrong with a file as YAML.

    Attributes:
        rule: The rule that it breaks.
        line: Line in the file, from 1.
        message: What was found, without any value of the file.
    """

    rule: Rule
    line: int
    message: str


@dataclass(frozen=True)
class YamlDocument:
    """One document of a file.

    Attributes:
        value: What Kubernetes would see: dictionaries with text keys, lists, text, numbers, truth values, None.
        line: Its first line, from 1.
        node: The parsed nodes; they know the lines.
    """

    value: Any
    line: int
    node: Node = field(repr=False, compare=False)

    def line_of(self, path: Sequence[Step]) -> int:
        """Return the line of a place, or that of the nearest thing above it that is there."""
        node, line = self.node, self.line
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            mark, node = found
            line = mark.start_mark.line + 1
        return int(line)


def _child(node: Node, step: Step) -> tuple[Node, Node] | None:
    """Return the node that marks a place and the node of its value."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if _key(key) == str(step)), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _key(node: Node) -> str | None:
    return key_text(scalar(node)) if isinstance(node, ScalarNode) else None


class _Resolver:
    """Leaves the types to this module: of a scalar only whether it stands plain is kept."""

    def descend_resolver(self, *_: object) -> None:
        """Do nothing; types don't depend on the place."""

    def ascend_resolver(self) -> None:
        """Do nothing."""

    def resolve(self, kind: type[Node], _value: object, implicit: Any) -> str:
        """Return the tag of a node that has none in the file."""
        if kind is ScalarNode:
            return PLAIN if implicit[0] else TEXT
        return f"{PREFIX}{'map' if kind is MappingNode else 'seq'}"


if yaml.__with_libyaml__:
    # libyaml is what go-yaml was translated from; the reader in Python differs in corners, and is seven times slower.
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    class _Loader(_Resolver, CParser):
        pass

else:
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _Loader(_Resolver, Reader, Scanner, Parser, Composer):  # type: ignore[no-redef]
        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)


def read(content: bytes, *, kubernetes: bool = True) -> tuple[list[YamlDocument], list[YamlProblem]]:
    """Read a file.

    Args:
        content: Its bytes.
        kubernetes: Whether Kubernetes is going to read it. Other readers know tags of their own, let a mapping win
            over what it merges, and divide documents as YAML says.

    Returns:
        Its documents that are not empty, and all problems. After a syntax error there are no documents.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [YamlProblem(ENCODING, line, "this is not UTF-8 text")]
    problems = list(_markers(text)) if kubernetes else []
    documents = []
    try:
        for node in _nodes(text):
            converter = _Converter(kubernetes)
            value = converter.convert(node)
            problems += converter.problems
            if value is not None:
                documents.append(YamlDocument(value, node.start_mark.line + 1, node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cause = ", ".join(part for part in (error.context, error.problem) if part) or "it can't be parsed"
        return [], [*problems, YamlProblem(SYNTAX, mark.line + 1 if mark else 1, f"no valid YAML: {cause}")]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        return [], [*problems, YamlProblem(SYNTAX, line, f"no valid YAML: {error.reason}")]
    except RecursionError:
        return [], [*problems, YamlProblem(SYNTAX, 1, "no valid YAML: it is nested too deeply")]
    return documents, sorted(problems, key=lambda problem: problem.line)


def _nodes(text: str) -> Iterator[Node]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node: Node = loader.get_node()  # type: ignore[assignment] # there is one
            yield node
    finally:
        if hasattr(loader, "dispose"):
            loader.dispose()


def _markers(text: str) -> Iterator[YamlProblem]:
    """Find what Kubernetes loses: it cuts the text at lines that begin with three dashes, and reads one document each.

    The rest of such a line is dropped, and a directive is cut off its document.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("---") and number > 1 and line[3:].split(" #")[0].strip():
            message = "text on the line of a document marker is lost: Kubernetes reads on from the next line"
            yield YamlProblem(DOCUMENT_MARKER, number, message)
        elif line.startswith("%"):
            yield YamlProblem(DOCUMENT_MARKER, number, "Kubernetes can't read YAML directives; remove the line")


class _Converter:
    """Turns the nodes of one document into plain values, as go-yaml decodes them in strict mode."""

    def __init__(self, kubernetes: bool) -> None:
        self.problems: list[YamlProblem] = []
        self._strict = kubernetes
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._decoded = 0
        self._aliased = 0
        self._alias_depth = 0

    def convert(self, node: Node) -> Any:
        """Return the value of a node; None where a problem was found."""
        alias = id(node) in self._seen
        self._seen.add(id(node))
        self._alias_depth += alias
        self._count(node)
        if id(node) in self._open:
            raise yaml.composer.ComposerError(None, None, "an anchor contains itself", node.start_mark)
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node)
            if isinstance(node, SequenceNode):
                return [self.convert(item) for item in node.value]
            return self._value(node) if isinstance(node, ScalarNode) else None
        finally:
            self._open.discard(id(node))
            self._alias_depth -= alias

    def _count(self, node: Node) -> None:
        """Refuse a document that grows by aliases, by go-yaml's measure: 99 % of the work, 10 % in a large one."""
        self._decoded += 1
        self._aliased += self._alias_depth > 0
        if self._aliased <= 100 or self._decoded <= 1000:
            return
        allowed = 0.99 - 0.89 * min(max(self._decoded - 400_000, 0) / 3_600_000, 1)
        if self._aliased / self._decoded > allowed:
            raise yaml.composer.ComposerError(None, None, "the document contains excessive aliasing", node.start_mark)

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[tuple[Node, dict[str, Any]]] = []
        for key, child in node.value:
            if isinstance(key, ScalarNode) and key.value == "<<" and key.tag in (PLAIN, f"{PREFIX}merge"):
                merged += ((key, values) for values in self._merged(child))
                continue
            text = self._key(key)
            value = self.convert(child)
            if text is None:
                continue
            if text in result:
                self._problem(DUPLICATE_KEY, key, f"the key {text} stands twice in one mapping")
            result[text] = value
        for source, values in merged:
            for text in values.keys() & result.keys() if self._strict else ():
                message = f"the key {text} is merged from elsewhere and set here as well"
                self._problem(DUPLICATE_KEY, source, message)
            result = {**values, **result}
        return result

    def _merged(self, node: Node) -> Iterator[dict[str, Any]]:
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if isinstance(source, MappingNode):
                yield self.convert(source)
            else:
                self._problem(VALUE, source, "only mappings can be merged")

    def _key(self, node: Node) -> str | None:
        if not isinstance(node, ScalarNode):
            if self._strict:
                self._problem(VALUE, node, "a key must be a text")
            return None
        text = key_text(self._value(node))
        if text is None and self._strict:
            self._problem(VALUE, node, "a key is empty")
        return text

    def _value(self, node: ScalarNode) -> Any:
        try:
            value = scalar(node)
        except ValueError as error:
            if self._strict:
                self._problem(VALUE, node, str(error))
            return None
        if self._strict and isinstance(value, float) and not math.isfinite(value):
            self._problem(VALUE, node, "JSON has no infinite numbers; put a text in quotes")
            return None
        return value

    def _problem(self, rule: Rule, node: Node, message: str) -> None:
        self.problems.append(YamlProblem(rule, node.start_mark.line + 1, message))
