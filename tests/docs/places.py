"""Where the paths of a document lead to: the trees that it speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

# A name in capitals or angle brackets stands for any name, and so does what runbooks let their reader add.
_PLACEHOLDER = re.compile(r"<[^<>/]+>|\b[A-Z]{2,}\b(?=/|\.|$)|\b(metrics|shop)\b")
_BRACES = re.compile(r"\{([^{},]+(?:,[^{},]+)+)\}")
_SUFFIXES = {
    *(".hcl", ".jinja", ".json", ".lock", ".md", ".nft", ".py", ".service", ".sh"),
    *(".tf", ".toml", ".txt", ".txtar", ".xz", ".yaml", ".yml"),
}
_NOT_A_PATH = re.compile(
    r"""
      [~/$-].*                      # a place on another machine; a variable; an option
    | [\w-]+(\.[\w-]+)+/.*          # a host, a network, a group of Kubernetes
    | [\w.]+/v\d\w* | [A-Z]\w+/[\w-]+ | (application|crd|deployment|statefulset)/.*   # API version; kind and name
    | refs/.*                       # a reference of git
    | \.\w+ | \*.*                  # the end of a name
    | [^/{]*[:=,()|].* | .*\s.*     # an address, data, a call, a command
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Places:
    """Folders in which a document's paths are looked for.

    Attributes:
        trees: Each with its files and folders, as paths below it.
    """

    trees: dict[Path, frozenset[str]]

    @cached_property
    def _ends(self) -> frozenset[str]:
        """Every end of every path, so that a document may speak of a file as its reader sees it."""
        parts = (PurePosixPath(entry).parts for tree in self.trees.values() for entry in tree)
        return frozenset("/".join(entry[start:]) for entry in parts for start in range(len(entry)))

    def have(self, path: str) -> bool:
        """Say whether a path, which may have placeholders, wildcards and braces, is the end of one that is there."""
        return all(self._matches(one.removeprefix("./").removeprefix("../").rstrip("/")) for one in _expand(path))

    def _matches(self, path: str) -> bool:
        pattern = with_wildcards(path)
        if "*" not in pattern:
            return pattern in self._ends or not pattern
        expression = re.compile(re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*"))
        return any(expression.fullmatch(end) for end in self._ends)


def with_wildcards(path: str) -> str:
    """Return a path with wildcards for the names that stand for any name."""
    return _PLACEHOLDER.sub("*", path)


def looks_like_a_path(text: str) -> bool:
    """Say whether code inside of a sentence names a file or folder."""
    if _NOT_A_PATH.fullmatch(text):
        return False
    return "/" in text or PurePosixPath(text).suffix in _SUFFIXES


def _expand(path: str) -> list[str]:
    """Return the paths that braces stand for."""
    found = _BRACES.search(path)
    if not found:
        return [path]
    return [one for name in found[1].split(",") for one in _expand(path[: found.start()] + name + path[found.end() :])]
