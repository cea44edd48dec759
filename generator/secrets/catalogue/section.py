"""Reading a YAML file strictly: every value is asked for by name and type, and whatever is wrong becomes a finding.

Nothing raises on the first mistake. A value that can't be used is replaced by its default, and the caller throws the
result away when findings were collected.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from generator.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FAMILY = "catalogue"


class Section:
    """One mapping of the file.

    Attributes:
        path: Its place in the file, e.g. `secrets[0].values`.
        line: Line of its key, from 1.
    """

    def __init__(self, node: CommentedMap, findings: list[Finding], file: str, path: str, line: int) -> None:
        self._node = node
        self._findings = findings
        self._file = file
        self.path = path
        self.line = line

    def report(self, rule: str, message: str, *, key: str = "", fix: str = "") -> None:
        """Add a finding about a key of this mapping, or about the mapping itself."""
        line = self._node.lc.key(key)[0] + 1 if key in self._node else self.line
        self._findings.append(Finding(self._file, line, f"{FAMILY}/{rule}", message, path=self._below(key), fix=fix))

    def has(self, key: str) -> bool:
        """Return whether a key is there."""
        return key in self._node

    def is_empty(self) -> bool:
        """Return whether the mapping has no key at all."""
        return not self._node

    def line_of(self, key: str) -> int:
        """Return the line of a key that is there."""
        return int(self._node.lc.key(key)[0]) + 1

    def only(self, allowed: Iterable[str]) -> None:
        """Report every key that is not one of the allowed ones."""
        known = tuple(allowed)
        for key in self._node:
            if key not in known:
                self.report("unknown-key", f"{key} is not known here", key=key, fix=did_you_mean(str(key), known))

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty; the default stands for a missing one, None makes it a finding."""
        value = self._value(key, default, str, "text; put it in quotes")
        if value == "" and default is None and self.has(key):
            self.report("empty", f"{key} is empty", key=key)
        return str(value or "")

    def number(self, key: str, default: int, low: int, high: int) -> int:
        """Return a whole number between two bounds."""
        value = self._value(key, default, int, "a whole number")
        if value is None or low <= value <= high:
            return int(value or default)
        self.report("range", f"{key} is {value}, it must be between {low} and {high}", key=key)
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; an absent one is empty."""
        items: list[object] = self._value(key, CommentedSeq(), CommentedSeq, "a list") or []
        if not all(isinstance(item, str) and item for item in items):
            self.report("type", f"{key} must be a list of texts", key=key)
        return tuple(str(item) for item in items)

    def labels(self, key: str) -> dict[str, str]:
        """Return a mapping of texts to texts; an absent one is empty."""
        section = self.section(key, optional=True)
        return {name: section.text(name, "") for name in section.names()} if section else {}

    def names(self) -> Iterator[str]:
        """Yield the keys that are texts, and report the others."""
        for key in self._node:
            if isinstance(key, str):
                yield key
            else:
                self.report("type", f"the key {key} is no text; put it in quotes", key=key)

    def section(self, key: str, *, optional: bool = False) -> Section | None:
        """Return a mapping below this one; None if it is missing or something else."""
        node = self._value(key, CommentedMap() if optional else None, CommentedMap, "a mapping")
        if node is None:
            return None
        return Section(node, self._findings, self._file, self._below(key), self.line_of(key) if self.has(key) else 0)

    def sections(self, key: str) -> Iterator[Section]:
        """Yield the mappings of a list below this one."""
        for index, node in enumerate(self._value(key, None, CommentedSeq, "a list") or []):
            path = f"{self._below(key)}[{index}]"
            line = self._node[key].lc.item(index)[0] + 1
            if isinstance(node, CommentedMap):
                yield Section(node, self._findings, self._file, path, line)
            else:
                message = f"{path} must be a mapping"
                self._findings.append(Finding(self._file, line, f"{FAMILY}/type", message, path=path))

    def _below(self, key: str) -> str:
        return ".".join(part for part in (self.path, str(key)) if part)

    def _value(self, key: str, default: Any, kind: type, kind_name: str) -> Any:
        if key not in self._node:
            if default is None:
                self.report("missing", f"{key} is missing", key=key)
            return default
        value = self._node[key]
        # In Python a truth value is a number, too.
        if not isinstance(value, kind) or isinstance(value, bool):
            self.report("type", f"{key} must be {kind_name}", key=key)
            return default
        return value


def read_document(text: str, file: str, findings: list[Finding]) -> Section | None:
    """Parse a YAML file whose top is a mapping.

    Args:
        text: Content of the file.
        file: Its name in findings.
        findings: Where findings go, also later ones of the section.

    Returns:
        The top mapping; None if there is none, which is a finding then.
    """
    try:
        node = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        problem = (error.problem if isinstance(error, MarkedYAMLError) else None) or "unreadable"
        line = mark.line + 1 if mark else 0
        # ruamel quotes both values of a duplicate key.
        message = f"this is not valid YAML: {problem.split(' with value')[0]}"
        findings.append(Finding(file, line, f"{FAMILY}/yaml", message))
        return None
    if not isinstance(node, CommentedMap):
        findings.append(Finding(file, 1, f"{FAMILY}/type", "the file must be a mapping"))
        return None
    return Section(node, findings, file, "", 1)


def did_you_mean(given: str, known: Iterable[str] | Mapping[str, object]) -> str:
    """Return a hint: the nearest known name, or all of them; "" if nothing is known."""
    names = list(known)
    near = difflib.get_close_matches(given, names, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known here: {', '.join(names)}." if names else ""
