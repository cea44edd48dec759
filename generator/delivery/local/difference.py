"""What a freshly rendered tree would change in a repository, and what people have changed there themselves.

Three trees are compared, file by file: the one that fmc committed last (the base), the one of the branch now, and the
rendered one. A file that people added or edited is theirs: it is no difference as long as fmc renders what it rendered
before. fmc's own commits are recognised by the trailer `Fmc-Tree`, which must name the very tree of the commit: an
amended commit keeps the trailer, but not the tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.command import repository_at, run
from generator.delivery.git.failures import local_error
from generator.delivery.git.objects import Entry, algorithm_of, entries_of_commit, entries_of_folder
from generator.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from git import Repo

TREE_TRAILER = "Fmc-Tree"


@dataclass(frozen=True)
class Difference:
    """How a rendered tree stands to a repository's branch.

    Attributes:
        changes: Files that fmc would add, change or remove: rendered differently than last time, and not yet like
            that on the branch. Empty means that there is nothing to do.
        edits: Files that people added, changed or removed since fmc's last commit, where the rendered tree has
            something else. They would be lost if the rendered tree replaced the branch's.
        head: The tip of the branch; None before the first commit.
        committed: The files of that commit.
    """

    changes: tuple[str, ...]
    edits: tuple[str, ...]
    head: str | None
    committed: dict[str, Entry]


def difference(repository: Path, staging: Path) -> Difference:
    """Compare a rendered tree with the branch of a repository; what is not committed there does not count.

    Args:
        repository: A repository; one without a commit counts as empty.
        staging: A folder of files.

    Raises:
        BadInputError: `repository` is no repository.
        ToolError: git failed.
    """
    repo = repository_at(repository)
    if repo is None:
        raise BadInputError(f"{repository} is no Git repository", where=str(repository))
    found = run(repo.git.rev_parse, "--quiet", "--verify", "HEAD")
    head = found.out.decode() if found.code == 0 else None
    committed = entries_of_commit(repository, repo, head)
    rendered = entries_of_folder(staging, algorithm_of(head))
    open_paths = [path for path in committed.keys() | rendered.keys() if committed.get(path) != rendered.get(path)]
    if not open_paths:
        return Difference((), (), head, committed)
    base = entries_of_commit(repository, repo, _last_own_commit(repository, repo) if head else None)
    return Difference(
        tuple(sorted(path for path in open_paths if rendered.get(path) != base.get(path))),
        tuple(sorted(path for path in open_paths if committed.get(path) != base.get(path))),
        head,
        committed,
    )


def _last_own_commit(path: Path, repo: Repo) -> str | None:
    """Return the youngest commit of the branch whose tree is what fmc rendered."""
    listed = run(
        repo.git.log,
        "--topo-order",
        "--no-show-signature",
        "-z",
        f"--grep=^{TREE_TRAILER}: ",
        f"--format=%H %T %(trailers:key={TREE_TRAILER},valueonly,separator=%x20)",
        "HEAD",
    )
    if listed.code:
        raise local_error(path, "read the history", listed)
    for entry in listed.out.decode(errors="replace").split("\0"):
        commit, tree, *named = entry.split()[:3] or ("", "")
        if tree in named:
            return commit
    return None
