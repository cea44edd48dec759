"""Whole repositories as one file each: git's own bundles, with every reference and all that it leads to.

`git clone FILE` opens one without fmc.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.command import run
from generator.delivery.git.failures import local_error
from generator.delivery.git.objects import algorithm_of
from generator.delivery.local.repository import create_repository, open_repository
from generator.errors import BadInputError
from generator.wording import command

if TYPE_CHECKING:
    from generator.delivery.model import Target


@dataclass(frozen=True)
class Bundled:
    """What a bundle was made of.

    Attributes:
        commit: Where the branch was.
        object_format: The hash that the repository names its objects with.
        uncommitted: Paths that differed from that commit, and are not in the bundle.
    """

    commit: str
    object_format: str
    uncommitted: tuple[str, ...]


def bundle(target: Target, file: Path) -> Bundled:
    """Write a repository into a file: branches, tags, what is known of the remote, commits that nobody pushed.

    Args:
        target: The repository.
        file: Where to.

    Raises:
        BadInputError: It is in a state in which fmc does not work with it, or lacks older commits.
        ConflictError: A merge waits for a person.
        ToolError: git failed, as it does where there is no commit yet.
    """
    where = str(target.path)
    repository = open_repository(target)
    if (Path(repository.repo.git_dir) / "shallow").exists():
        raise BadInputError(
            f"{where} lacks older commits: it is a shallow clone, of which no other repository could be made",
            where=where,
            fix=f"Fetch them: {command('git', '-C', where, 'fetch', '--unshallow')}.",
        )
    made = run(repository.repo.git.bundle, "create", "--quiet", str(file), "--all")
    if made.code or repository.head is None:
        raise local_error(target.path, "bundle the repository", made)
    return Bundled(repository.head, algorithm_of(repository.head), repository.changes)


def unbundle(target: Target, file: Path, bundled: Bundled) -> None:
    """Make a repository out of a bundle, with every reference that it has, and check its branch out.

    Args:
        target: A folder that is there, and empty.
        file: The bundle.
        bundled: What it was made of.

    Raises:
        BadInputError: The bundle does not have that.
        ToolError: git failed.
        WriteError: The disk refused.
    """
    repo = create_repository(target, bundled.object_format).repo
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--update-head-ok")
    fetched = run(repo.git.fetch, *options, str(file), "+refs/*:refs/*")
    if fetched.code:
        raise local_error(target.path, "read the bundle", fetched)
    tip = run(repo.git.rev_parse, "--verify", "--quiet", f"refs/heads/{target.branch}^{{commit}}")
    if tip.code or tip.out.decode() != bundled.commit:
        raise BadInputError(
            f"the bundle of {target.part} does not have the commit {bundled.commit[:12]} on its branch {target.branch}",
            where=str(file),
            fix="Take another backup: this one was not written by fmc, or was changed.",
        )
    checked_out = run(repo.git.reset, "--quiet", "--hard")
    if checked_out.code:
        raise local_error(target.path, "check the branch out", checked_out)
