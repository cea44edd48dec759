"""How the commit to be delivered and the tip of the remote branch stand to each other."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.access import network_environment
from generator.delivery.git.command import run
from generator.delivery.git.failures import local_error, remote_error
from generator.tools.git import is_of_another_user

if TYPE_CHECKING:
    from git import Repo

    from generator.delivery.model import Target

_TIMEOUT = 300.0


class Relation(Enum):
    """What the remote branch has, seen from the local commit."""

    ABSENT = "no such branch"
    EQUAL = "the very commit"
    OLDER = "an ancestor: a push only adds"
    NEWER = "a descendant: it has the commit, and more"
    DIVERGED = "commits that the local branch doesn't contain"
    UNRELATED = "another history altogether"


def relation(target: Target, repo: Repo, commit: str, tip: str | None) -> Relation:
    """Compare a local commit with the tip of the remote branch, fetching it if it is not known here.

    Raises:
        RemoteError: The branch can't be fetched.
        FmcError: git failed in the repository.
    """
    if tip is None:
        return Relation.ABSENT
    if tip == commit:
        return Relation.EQUAL
    if contains(repo, commit, tip):
        return Relation.OLDER
    if not _is_known(repo, tip):
        _fetch(target, repo)
    if contains(repo, tip, commit):
        return Relation.NEWER
    compared = run(repo.git.merge_base, commit, tip)
    if compared.code not in (0, 1):
        raise local_error(target.path, "compare the histories", compared)
    return Relation.UNRELATED if compared.code else Relation.DIVERGED


def adds_nothing(repo: Repo, tip: str, commit: str) -> bool:
    """Return whether a commit brings nothing that a diverged tip lacks: its changes were taken as other commits."""
    merged = run(repo.git.merge_tree, "--write-tree", tip, commit)
    tree = run(repo.git.rev_parse, f"{tip}^{{tree}}")
    return merged.code == 0 and tree.code == 0 and merged.out.split(b"\n")[0] == tree.out


def contains(repo: Repo, descendant: str, ancestor: str) -> bool:
    """Return whether a commit contains another one; False where the repository doesn't know one of them.

    Raises:
        FmcError: git failed in the repository.
    """
    if ancestor == descendant:
        return True
    compared = run(repo.git.merge_base, "--is-ancestor", ancestor, descendant)
    if compared.code > 1 and all(_is_known(repo, one) for one in (ancestor, descendant)):
        raise local_error(Path(repo.working_dir), "compare the histories", compared)
    return compared.code == 0


def _is_known(repo: Repo, commit: str) -> bool:
    asked = run(repo.git.cat_file, "-e", f"{commit}^{{commit}}")
    if asked.code and is_of_another_user(asked.err):
        raise local_error(Path(repo.working_dir), "look for a commit", asked)
    return asked.code == 0


def _fetch(target: Target, repo: Repo) -> None:
    done = run(
        repo.git.fetch,
        "--quiet",
        "--no-tags",
        "origin",
        f"+refs/heads/{target.branch}:refs/remotes/origin/{target.branch}",
        variables=network_environment(repo.git, target),
        timeout=_TIMEOUT,
    )
    if done.code:
        raise remote_error(target.url, done)
