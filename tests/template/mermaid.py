"""Reads the pictures of a README, and is stricter than Mermaid: it knows what our pictures have, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LABEL = r'"(?P<label>(?:[^"#<>`\n]|#(?:\d+|[a-z]+);)+)"'
_SUBGRAPH = re.compile(rf"subgraph (?P<id>\w+)\[{_LABEL}\]")
_NODE = re.compile(rf"(?P<id>\w+)(?:\(\[{_LABEL}\]\)|\[{_LABEL.replace('label', 'text')}\])")
_EDGE = re.compile(rf"(?P<begin>\w+) (?:-->(?:\|{_LABEL}\|)?|-\.-) (?P<end>\w+)")
_PARTICIPANT = re.compile(r"participant (?P<id>\w+) as (?P<label>[^;<>\n]+)")
_MESSAGE = re.compile(r"(?P<begin>\w+)--?>>(?P<end>\w+): (?P<label>[^;<>\n]+)")
# Identifiers that Mermaid takes for its own words.
_OWN = {"end", "graph", "subgraph", "flowchart", "style", "class", "click", "default", "direction", "participant"}


@dataclass
class Picture:
    """One picture.

    Attributes:
        kind: Its first word.
        labels: What stands in nodes, frames and participants, by identifier.
        inside: The frame that a node or frame is in, by identifier.
        edges: Pairs of identifiers, in order.
        texts: What stands at edges and messages.
    """

    kind: str
    labels: dict[str, str] = field(default_factory=dict)
    inside: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def of(self, kind: str) -> dict[str, str]:
        """Return the labels of one kind of identifier."""
        return {name: label for name, label in self.labels.items() if name.startswith(f"{kind}_")}


def pictures(readme: Path) -> list[Picture]:
    """Return the pictures of a document.

    Raises:
        ValueError: One of them is no picture.
    """
    return [
        parse(block) for block in re.findall(r"^```mermaid\n(.*?)^```$", readme.read_text(), re.DOTALL | re.MULTILINE)
    ]


def parse(text: str) -> Picture:
    """Return a picture.

    Raises:
        ValueError: A line is none of those that our pictures have.
    """
    first, *lines = text.splitlines()
    if first == "sequenceDiagram":
        return _sequence(lines)
    if first != "flowchart TB":
        raise ValueError(f"{first} is no picture")
    return _flowchart(lines)


def _flowchart(lines: list[str]) -> Picture:
    picture = Picture("flowchart")
    open_: list[str] = []
    for line in (line.strip() for line in lines):
        if line == "end":
            open_.pop()
        elif line == "direction LR" and open_:
            continue
        elif match := _SUBGRAPH.fullmatch(line) or _NODE.fullmatch(line):
            groups = match.groupdict()
            _add(picture, groups["id"], groups["label"] or groups["text"])
            if open_:
                picture.inside[groups["id"]] = open_[-1]
            if line.startswith("subgraph "):
                open_.append(groups["id"])
        elif match := _EDGE.fullmatch(line):
            _join(picture, match["begin"], match["end"], match["label"] or "")
        else:
            raise ValueError(f"no line of a flowchart: {line}")
    if open_:
        raise ValueError(f"{open_[-1]} has no end")
    return picture


def _sequence(lines: list[str]) -> Picture:
    picture = Picture("sequence")
    for line in (line.strip() for line in lines):
        if match := _PARTICIPANT.fullmatch(line):
            _add(picture, match["id"], match["label"])
        elif match := _MESSAGE.fullmatch(line):
            _join(picture, match["begin"], match["end"], match["label"])
        else:
            raise ValueError(f"no line of a sequence: {line}")
    return picture


def _add(picture: Picture, name: str, label: str) -> None:
    if name in picture.labels or name in _OWN:
        raise ValueError(f"{name} is there already, or is a word of Mermaid")
    picture.labels[name] = label


def _join(picture: Picture, begin: str, end: str, text: str) -> None:
    for name in (begin, end):
        if name not in picture.labels:
            raise ValueError(f"there is no {name}")
    picture.edges.append((begin, end))
    picture.texts.append(text)


def frames(picture: Picture, name: str) -> Iterator[str]:
    """Yield the labels of the frames that something is in, the innermost first."""
    while name in picture.inside:
        name = picture.inside[name]
        yield picture.labels[name]
