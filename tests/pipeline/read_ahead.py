"""YAML that forked processes find read: that of earlier renderings, by the process that they are forked from."""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from generator.checks.reading import contents
from generator.checks.reading.source_files import list_files
from generator.errors import FmcError
from generator.workspace import MONOREPO, PARTS

if TYPE_CHECKING:
    from pathlib import Path

    from generator.checks.reading.yamlgo import YamlDocument, YamlProblem

    Documents = tuple[list[YamlDocument], list[YamlProblem]]


# As data: its reader is replaced.
_READING: Any = contents


class ReadAhead:
    """Has the checks find what was read: the same bytes give the same documents, which no check changes."""

    def __init__(self, folder: Path) -> None:
        """Take the place of the reader.

        Args:
            folder: Where renderings are kept, under names that begin with their layout.
        """
        self._folder = folder
        self._seen: set[Path] = set()
        self._known: dict[tuple[bytes, bool], Documents] = {}
        self._read = _READING.read
        _READING.read = self._find

    def read(self) -> None:
        """Read what was rendered since the last time."""
        kept = {path: layout for layout in (*PARTS, MONOREPO) for path in self._folder.glob(f"{layout}-*")}
        _READING.read = self._keep
        for path in kept.keys() - self._seen:
            inner = {part: path / part for part in PARTS if (path / part).is_dir() and kept[path] == MONOREPO}
            # Who ended first removes them.
            with suppress(FmcError, OSError):
                contents.read_contents(list_files({kept[path]: path, **inner})[0])
        _READING.read = self._find
        self._seen |= kept.keys()
        # What lives to the end is none of the collector's business here, nor in those that are forked.
        gc.freeze()

    def _find(self, content: bytes, *, kubernetes: bool = True) -> Documents:
        known = self._known.get((content, kubernetes))
        documents, problems = known or self._read(content, kubernetes=kubernetes)
        return list(documents), list(problems)

    def _keep(self, content: bytes, *, kubernetes: bool = True) -> Documents:
        self._known[content, kubernetes] = found = self._find(content, kubernetes=kubernetes)
        return found
