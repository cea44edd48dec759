"""Markdown as the tests of documents need it: headings, links and code, each with its line."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from pathlib import Path

    from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Text:
    """A piece of a document.

    Attributes:
        line: Where it stands, counted from 1.
        text: What stands there.
        language: Of a block of code; "" without one.
    """

    line: int
    text: str
    language: str = ""


@dataclass
class Document:
    """What a document holds.

    Attributes:
        path: The file.
        anchors: The names under which forges let its headings be linked.
        links: Targets of links and pictures.
        code: Code inside of sentences.
        blocks: Blocks of code.
    """

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[Text] = field(default_factory=list)
    code: list[Text] = field(default_factory=list)
    blocks: list[Text] = field(default_factory=list)


def read(path: Path) -> Document:
    """Read a document."""
    document = Document(path)
    seen: Counter[str] = Counter()
    heading = False
    for token in _PARSER.parse(path.read_text()):
        line = token.map[0] + 1 if token.map else 0
        heading = token.type == "heading_open" or (heading and token.type == "inline")
        if token.type == "fence":
            document.blocks.append(Text(line + 1, token.content, token.info))
        for child in token.children or ():
            _add(document, child, line)
        if heading and token.type == "inline":
            name = _anchor(token)
            document.anchors.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return document


def _add(document: Document, token: Token, line: int) -> None:
    if token.type == "code_inline":
        document.code.append(Text(line, token.content))
    elif token.type in {"link_open", "image"}:
        document.links.append(Text(line, str(token.attrs.get("href") or token.attrs.get("src"))))


def _anchor(heading: Token) -> str:
    """Return the name that GitHub, GitLab and Forgejo give a heading: its words in lower case, joined by dashes."""
    words = "".join(child.content for child in heading.children or ())
    return re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
