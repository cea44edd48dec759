"""Whether everything that a document names is there."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.docs import markdown, shell
from tests.docs.places import Places, looks_like_a_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.docs.markdown import Document, Text

_COMMAND = re.compile(r"(fmc|make|copier) [a-z-].*")


@dataclass(frozen=True)
class Scope:
    """What a document speaks of.

    Attributes:
        places: Where its paths lead to.
        folders: Where a reader of it may stand.
        names: What looks like a path, and is a name: of a secret, of a rule.
    """

    places: Places
    folders: tuple[Path, ...]
    names: frozenset[str]


@dataclass(frozen=True)
class Broken:
    """Something named that is not there.

    Attributes:
        line: Where in the document.
        text: What it names.
        why: What is wrong with it.
    """

    line: int
    text: str
    why: str


def scan(path: Path, scope: Scope) -> Iterator[Broken]:
    """Yield what a document names and is not there: targets of links, paths, commands."""
    document = markdown.read(path)
    yield from _links(document)
    for code in document.code:
        if _COMMAND.fullmatch(code.text):
            if why := shell.fault_of_mention(code.text, list(scope.folders)):
                yield Broken(code.line, code.text, why)
        elif (
            looks_like_a_path(code.text)
            and not fnmatch.filter(scope.names, code.text)
            and not scope.places.have(code.text)
        ):
            yield Broken(code.line, code.text, "there is no such file or folder")
    functions: set[str] = set()
    for block in document.blocks:
        if text := _typed(block):
            functions |= shell.functions(text)
            for fault in shell.faults(text, list(scope.folders), functions):
                yield Broken(block.line, fault.command, fault.why)


def _typed(block: Text) -> str:
    """Return what a reader types of a block."""
    match block.language:
        case "sh":
            return block.text
        case "console":
            return "\n".join(line[2:] for line in block.text.splitlines() if line.startswith("$ "))
        case _:
            return ""


def _links(document: Document) -> Iterator[Broken]:
    for link in document.links:
        target, _, anchor = unquote(link.text).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = document.path.parent / target if target else document.path
        if not file.exists():
            yield Broken(link.line, link.text, "there is no such file or folder")
        elif anchor and anchor not in markdown.read(file).anchors:
            yield Broken(link.line, link.text, f"there is no such heading in {file.name}")
