"""The list `images` of a kustomization.yaml, changed line by line: comments, order and all else stay as they are.

What people write there is block style; anything else is refused rather than guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable

from writeback import Failure
from writeback.image import Image

_ORDER = ("name", "newName", "newTag", "digest")
_ITEM = re.compile(r"( *)(- +)(\S.*)")
_PAIR = re.compile(r"(\w+):(?: +(\"[^\"\\]*\"|'[^']*'|[^\s\"'#&*!|>{}\[\],@`%][^#\"']*?))?( +#.*| *)")


@dataclass
class _Entry:
    """One image of the list.

    Attributes:
        column: Where its keys begin.
        values: The values by key.
        lines: Number of the line of each key.
    """

    column: int
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def runs(self) -> str:
        return self.values.get("newName") or self.values.get("name", "")


def image_in(text: str, app: str, where: str, name: str | None = None) -> Image:
    """Return the image that a kustomization says for an app.

    Raises:
        Failure: It says none, or several.
    """
    entries = _entries(text, where)
    # Where there is but one, it is that.
    entry = entries[0] if len(entries) == 1 and not name else _choose(entries, name, app, where)
    tag, digest = entry.values.get("newTag"), entry.values.get("digest")
    if not (tag or digest):
        raise Failure(f"{where} says neither newTag nor digest for {entry.runs}", "Bump that environment first.", 2)
    return Image(entry.runs, tag, digest)


def with_image(text: str, image: Image, app: str, where: str, name: str | None = None) -> str:
    """Return a kustomization in which an app runs an image.

    Args:
        text: As it is.
        image: What is to run.
        app: Name of the app, by which the entry is found where the image has no entry of its own.
        where: How messages call the file.
        name: The `name` of the entry, where neither of them leads to it.

    Raises:
        Failure: No entry, or several, are meant; or the list is written in a way that isn't read here.
    """
    entry = _choose(_entries(text, where), name, app, where, image)
    wanted = {"newTag": image.tag, "digest": image.digest}
    if image.name != entry.runs:
        wanted["newName"] = image.name
    lines = text.splitlines(keepends=True)
    for key in ("newName", "newTag", "digest"):
        if key in wanted:
            lines = _with_value(lines, entry, key, wanted[key], where)
            entry = _choose(_entries("".join(lines), where), entry.values["name"], app, where)
    return "".join(lines)


def _choose(entries: list[_Entry], name: str | None, app: str, where: str, image: Image | None = None) -> _Entry:
    ways: list[Callable[[_Entry], bool]] = [lambda one: one.values.get("name") == name]
    if not name:
        ways = [lambda one: one.values.get("name") == app, lambda one: one.runs.rpartition("/")[2] == app]
    if image and not name:
        wanted = image.name
        ways = [lambda one: one.runs == wanted, lambda one: one.values.get("name") == wanted, *ways]
    for way in ways:
        found = [one for one in entries if "name" in one.values and way(one)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Failure(f"{where} has several images that may be meant", "Say which one with --name.", 2)
    listed = ", ".join(one.values.get("name", "?") for one in entries) or "none"
    raise Failure(
        f"{where} has no image for {image.name if image and not name else name or app}; it lists {listed}",
        f"Add `- name: {name or app}` to its list `images`, or say with --name which entry is meant.",
        2,
    )


def _entries(text: str, where: str) -> list[_Entry]:
    """Return the images that a kustomization lists."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"[\"']?images[\"']?\s*:", line)]
    if not starts:
        return []
    if len(starts) > 1 or not re.fullmatch(r"images:(\s+#.*|\s*)", lines[starts[0]]):
        raise _unread(where, starts[-1])
    entries: list[_Entry] = []
    dash = -1
    for number, line in enumerate(lines[starts[0] + 1 :], starts[0] + 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        item = _ITEM.fullmatch(line)
        if item and dash in (-1, indent):
            dash = indent
            entries.append(_Entry(indent + len(item[2])))
            _add(entries[-1], item[3], number, where)
        elif indent == 0 and not line.startswith("\t"):
            break
        elif not entries or indent != entries[-1].column:
            raise _unread(where, number)
        else:
            _add(entries[-1], line[indent:], number, where)
    return entries


def _add(entry: _Entry, pair: str, number: int, where: str) -> None:
    found = _PAIR.fullmatch(pair)
    if not found or found[1] in entry.values:
        raise _unread(where, number)
    entry.values[found[1]] = _bare(found[2] or "")
    entry.lines[found[1]] = number


def _bare(value: str) -> str:
    return value[1:-1] if value[:1] in ('"', "'") else value


def _with_value(lines: list[str], entry: _Entry, key: str, value: str | None, where: str) -> list[str]:
    """Return the lines with one value set, always quoted: a tag may look like a number."""
    number = entry.lines.get(key)
    if number is None:
        if value is None:
            return lines
        before = max(entry.lines[one] for one in _ORDER[: _ORDER.index(key)] if one in entry.lines)
        content, ending = _split(lines[before])
        added = " " * entry.column + f'{key}: "{value}"' + (ending or "\n")
        return [*lines[:before], content + (ending or "\n"), added, *lines[before + 1 :]]
    if value is None:
        if _ITEM.fullmatch(_split(lines[number])[0]):
            raise Failure(f"{where}:{number + 1}: `{key}` stands before `name`", "Let the entry begin with `name`.", 2)
        return [*lines[:number], *lines[number + 1 :]]
    content, ending = _split(lines[number])
    found = _PAIR.fullmatch(content[entry.column :])
    comment = found[3].rstrip() if found else ""
    return [*lines[:number], content[: entry.column] + f'{key}: "{value}"' + comment + ending, *lines[number + 1 :]]


def _split(line: str) -> tuple[str, str]:
    content = line.rstrip("\r\n")
    return content, line[len(content) :]


def _unread(where: str, number: int) -> Failure:
    return Failure(
        f"{where}:{number + 1} is written in a way that isn't changed here",
        "Write `images:` once, and below it `- name: ...`, `newTag: ...` and `digest: ...`, each in a line of its own.",
        2,
    )
