"""Lists in YAML files that people write, changed line by line: comments, order and all else stay as they are.

A list is what stands below a key of the document, in block style, or an empty one in brackets. Whoever changes one
reads the result, and compares what it means.
"""

from __future__ import annotations

import re
import textwrap

_ITEM = re.compile(r"( *)- ")
_KEY = re.compile(r"[^\s#-]")
_INDENT = "  "


def with_items(text: str, key: str, items: str, head: str = "") -> str:
    """Return a text with further items at the end of a list.

    Args:
        text: The document; it may say nothing.
        key: Key of the list, which may be missing.
        items: The items, indented by two blanks.
        head: What comes first in a document that says nothing.
    """
    lines = _lines(text)
    start = _start(lines, key)
    if start is None:
        says_nothing = all(not line.strip() or line.startswith(("#", "---")) for line in lines)
        lines += [*([head] if says_nothing and head else []), f"{key}:\n"]
        start = len(lines) - 1
    lines[start] = re.sub(r":[ \t]*\[[ \t]*\]", ":", lines[start], count=1)
    end = end_of_list(lines, start + 1)
    found = (item for line in lines[start + 1 : end] if (item := _ITEM.match(line)))
    indent = next((item[1] for item in found), _INDENT)
    return "".join([*lines[:end], textwrap.indent(textwrap.dedent(items), indent), *lines[end:]])


def without_lines(text: str, key: str, gone: set[int], empty: str) -> str:
    """Return a text without some lines of a list.

    Args:
        text: The document.
        key: Key of the list.
        gone: Numbers of the lines, from 0.
        empty: What takes the place of the key's line where no item is left.
    """
    lines = _lines(text)
    start = _start(lines, key)
    if start is not None:
        items = range(start + 1, end_of_list(lines, start + 1))
        if not any(_ITEM.match(lines[number]) for number in items if number not in gone):
            lines[start] = empty
    return "".join(line for number, line in enumerate(lines) if number not in gone)


def end_of_list(lines: list[str], start: int) -> int:
    """Return where the next key of the document begins, without comments and blank lines in front of it."""
    end = next((number for number in range(start, len(lines)) if _KEY.match(lines[number])), len(lines))
    return trimmed(lines, start, end)


def trimmed(lines: list[str], start: int, end: int) -> int:
    """Return the end of a block without the comments and blank lines there: they are about what follows."""
    while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _start(lines: list[str], key: str) -> int | None:
    head = re.compile(rf"{re.escape(key)}:[ \t]*(\[[ \t]*\])?[ \t]*(#.*)?\n")
    return next((number for number, line in enumerate(lines) if head.fullmatch(line)), None)


def _lines(text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return lines
