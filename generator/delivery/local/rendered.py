"""What fmc rendered last in a repository: the base from which people's edits and a new rendering are told apart.

fmc names the tree that it rendered in its commits, in the line `Fmc-Tree`. The line may stand anywhere in a message:
forges put the messages of squashed commits one below the other, hooks and people add to them. The tree itself is in Git
wherever it was committed as it was rendered; where people's edits were merged into the commit, a reference of this
repository alone keeps it. A message may be lost, and the tree, too: the answers that Copier recorded tell the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.command import Output, run
from generator.delivery.git.failures import local_error
from generator.delivery.git.objects import entries_of_commit, listed_tree
from generator.delivery.local.repository import RECORDED_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from git import Repo

    from generator.delivery.git.objects import Entry

TREE_TRAILER = "Fmc-Tree"
KEEPING_REFERENCE = "refs/fmc/rendered"
_NAMED = re.compile(rf"\b{TREE_TRAILER}: ([0-9a-f]{{40,64}})\b")


@dataclass(frozen=True)
class LastRendering:
    """What a repository tells of its renderings.

    Attributes:
        entries: The files of the last one that a message names; None where Git does not hold them.
        answers: The answers that Copier recorded in it; None without `entries`.
        recorded: The answers that are recorded on the branch now; None where there are none.
    """

    entries: Mapping[str, Entry] | None
    answers: bytes | None
    recorded: bytes | None


def last_rendering(path: Path, repo: Repo, head: str | None) -> LastRendering:
    """Find what fmc rendered last.

    Args:
        path: The repository, for messages.
        repo: The repository.
        head: Its branch; None before the first commit.

    Raises:
        ToolError: git failed.
    """
    if head is None:
        return LastRendering({}, None, None)
    # Whatever the user configured for searching histories, this is the text itself.
    options = ("--topo-order", "--max-count=1", "--no-show-signature", "--encoding=UTF-8", "--fixed-strings")
    found = run(repo.git.log, *options, f"--grep={TREE_TRAILER}: ", "--format=%H%n%B", head)
    if found.code:
        raise local_error(path, "read the history", found)
    commit, _, message = found.out.decode(errors="replace").partition("\n")
    recorded = _recorded(repo, head)
    trees = {name: tree for name in _NAMED.findall(message) if (tree := _entries(repo, name)) is not None}
    if not trees:
        return LastRendering(None, None, recorded)
    committed = entries_of_commit(path, repo, commit)
    # Of several in a squashed commit the last one is nearest to what was committed.
    name = min(reversed(trees), key=lambda tree: _distance(trees[tree], committed))
    return LastRendering(trees[name], _recorded(repo, name), recorded)


def _entries(repo: Repo, tree: str) -> dict[str, Entry] | None:
    listed = listed_tree(repo, tree)
    return None if isinstance(listed, Output) else listed


def _distance(one: Mapping[str, Entry], other: Mapping[str, Entry]) -> int:
    return sum(one.get(name) != other.get(name) for name in one.keys() | other.keys())


def _recorded(repo: Repo, tree: str) -> bytes | None:
    shown = run(repo.git.cat_file, "blob", f"{tree}:{RECORDED_ANSWERS}")
    return shown.out + b"\n" if shown.code == 0 else None
