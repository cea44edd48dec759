"""Every content that files have ever had in a repository's commits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from generator.delivery.git.command import repository_at, run
from generator.delivery.git.failures import local_error
from generator.delivery.git.objects import contents_of_blobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.delivery.model import Target


def contents_ever(target: Target, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield each content that files had in any commit that a branch or tag leads to, each content once.

    Args:
        target: The repository.
        wanted: Tells by its path which file is asked for.

    Yields:
        A path that it had, and the content.

    Raises:
        BadInputError: The repository belongs to another user.
        ToolError: git failed.
    """
    repo = repository_at(target.path)
    if repo is None:
        return
    listed = run(repo.git.rev_list, "--objects", "--filter=object:type=blob", "--filter-provided-objects", "--all")
    if listed.code:
        raise local_error(target.path, "list the history", listed)
    paths: dict[str, str] = {}
    for line in listed.out.splitlines():
        blob, _, path = line.partition(b" ")
        if wanted(name := os.fsdecode(path)):
            paths[blob.decode()] = name
    yield from zip(paths.values(), contents_of_blobs(target.path, repo, list(paths)), strict=True)
