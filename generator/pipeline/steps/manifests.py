"""The manifests of all repositories in which something may be sealed: those that lie there, and those of commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.delivery.git.objects import files_below
from generator.delivery.local.committed import committed_elsewhere
from generator.inputs import read_bounded
from generator.secrets.sealing.documents import KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from generator.delivery.model import Target

_SUFFIXES = (".yaml", ".yml", ".json")
_LARGEST = 4 << 20  # bytes


def is_manifest(path: str) -> bool:
    """Tell by its path whether a file may be a manifest."""
    return path.endswith(_SUFFIXES)


def sealed_here(targets: Iterable[Target]) -> Iterator[Path]:
    """Yield the files of the work trees in which something may be sealed.

    Args:
        targets: The repositories.

    Raises:
        BadInputError: A file can't be read.
    """
    for target in targets:
        for name in sorted(files_below(target.path)):
            file = target.path / name
            if is_manifest(name) and not file.is_symlink() and KIND in read_bounded(file, _LARGEST):
                yield file


def sealed_anywhere(targets: Iterable[Target]) -> Iterator[tuple[str, bytes]]:
    """Yield what may be sealed in the work trees, the last commits, and the remote branches as they were last seen.

    Args:
        targets: The repositories.

    Yields:
        Where it lies, for people, and its content.

    Raises:
        BadInputError: A file can't be read.
        ToolError: git failed.
    """
    for target in targets:
        for file in sealed_here([target]):
            yield f"{target.path.name}/{file.relative_to(target.path).as_posix()}", read_bounded(file, _LARGEST)
        for snapshot in committed_elsewhere(target, is_manifest):
            for name, content in snapshot.items():
                if KIND in content:
                    yield f"{target.path.name}/{name}, as it is committed", content
