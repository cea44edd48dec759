"""Reading a YAML file strictly: every value is asked for by name and type, and whatever is wrong becomes a finding.

Nothing raises on the first mistake. A value that can't be used is replaced by its default, and the caller throws the
result away when findings were collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.findings import Finding
from generator.strictyaml import Limits, UnreadableError, parse
from generator.wording import did_you_mean, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from generator.strictyaml import Content, Place

FAMILY = "catalogue"


# Ten thousand secrets with a dozen lines each; a constant may be a whole configuration file.
LIMITS = Limits(bytes=8 << 20, values=200_000, text=1 << 16)


class Section:
    """One mapping of the file.

    Attributes:
        path: Its place in the file, e.g. `secrets[0].values`.
        line: Line of its key, from 1.
    """

    def __init__(
        self, node: dict[str, Any], findings: list[Finding], file: str, content: Content, place: Place, path: str
    ) -> None:
        self._node = node
        self._findings = findings
        self.file = file
        self._content = content
        self._place = place
        self.path = path
        self.line = content.lines.get(place, 1)

    def report(self, rule: str, message: str, *, key: str = "", fix: str = "") -> None:
        """Add a finding about a key of this mapping, or about the mapping itself."""
        line = self.line_of(key) if key in self._node else self.line
        self._findings.append(
            Finding(self.file, line, f"{FAMILY}/{rule}", printable(message), path=self._below(key), fix=printable(fix))
        )

    def has(self, key: str) -> bool:
        """Return whether a key is there."""
        return key in self._node

    def is_empty(self) -> bool:
        """Return whether the mapping has no key at all."""
        return not self._node

    def line_of(self, key: str) -> int:
        """Return the line of a key that is there."""
        return self._content.lines[(*self._place, key)]

    def only(self, allowed: Iterable[str]) -> None:
        """Report every key that is not one of the allowed ones."""
        known = tuple(allowed)
        for key in self._node:
            if key not in known:
                self.report("unknown-key", f"{key} is not known here", key=key, fix=did_you_mean(key, known))

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
        self.report("range", f"{key} is {printable(str(value), 30)}, it must be between {low} and {high}", key=key)
        return default

    def flag(self, key: str) -> bool:
        """Return a truth value; an absent one is false."""
        value = self._node.get(key, False)
        if not isinstance(value, bool):
            self.report("type", f"{key} must be true or false", key=key)
        return value is True

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; an absent one is empty."""
        items: list[object] = self._value(key, [], list, "a list") or []
        if not all(isinstance(item, str) and item for item in items):
            self.report("type", f"{key} must be a list of texts", key=key)
        return tuple(str(item) for item in items)

    def labels(self, key: str) -> dict[str, str]:
        """Return a mapping of texts to texts; an absent one is empty."""
        section = self.section(key, optional=True)
        return {name: section.text(name, "") for name in section.names()} if section else {}

    def names(self) -> Iterator[str]:
        """Yield the keys."""
        yield from self._node

    def section(self, key: str, *, optional: bool = False) -> Section | None:
        """Return a mapping below this one; None if it is missing or something else."""
        node = self._value(key, {} if optional else None, dict, "a mapping")
        return None if node is None else self._inside(node, key, path=self._below(key))

    def sections(self, key: str, *, optional: bool = False) -> Iterator[Section]:
        """Yield the mappings of a list below this one."""
        for index, node in enumerate(self._value(key, [] if optional else None, list, "a list") or []):
            path = f"{self._below(key)}[{index}]"
            section = self._inside(node if isinstance(node, dict) else {}, key, str(index), path=path)
            if isinstance(node, dict):
                yield section
            else:
                section.report("type", f"{path} must be a mapping")

    def _inside(self, node: dict[str, Any], *names: str, path: str) -> Section:
        return Section(node, self._findings, self.file, self._content, (*self._place, *names), path)

    def _below(self, key: str) -> str:
        return ".".join(part for part in (self.path, key) if part)

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


def read_document(text: bytes, file: str, findings: list[Finding]) -> Section | None:
    """Parse a YAML file whose top is a mapping.

    Args:
        text: Content of the file.
        file: Its name in findings.
        findings: Where findings go, also later ones of the section.

    Returns:
        The top mapping; None if there is none, which is a finding then.
    """
    try:
        content = parse(text, file, LIMITS)
    except UnreadableError as error:
        findings.append(Finding(file, error.line, f"{FAMILY}/yaml", error.message, fix=error.fix or ""))
        return None
    top = Section(content.data, findings, file, content, (), "")
    for note in content.notes:
        path = printable("".join(f"[{name}]" if name.isdigit() else f".{name}" for name in note.place).lstrip("."))
        findings.append(
            Finding(file, note.line, f"{FAMILY}/{note.rule}", f"{path} {note.message}", path=path, fix=note.fix)
        )
    return top
