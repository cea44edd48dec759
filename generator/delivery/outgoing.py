"""What a push would publish: every content and every message of the commits that the remote doesn't have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.delivery.failures import local_error
from generator.delivery.gitcommand import repository_at, run
from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def outgoing_blobs(repo_path: Path, remote_tip: str | None) -> Iterator[tuple[str, bytes]]:
    """Yield what a push of the current branch would send.

    Files that an earlier outgoing commit had and a later one removed are included: they are published as well.

    Args:
        repo_path: The repository.
        remote_tip: What the remote branch points to; None where it has no such branch. A commit that is unknown
            here excludes nothing.

    Yields:
        Path of the file and its content, each content once; `commit <id>` and the commit with its headers.

    Raises:
        BadInputError: The folder is no repository.
        ToolError: git failed.
    """
    repo = repository_at(repo_path)
    if repo is None:
        raise BadInputError(f"{repo_path} is no Git repository", where=str(repo_path))
    excluded = [f"^{remote_tip}"] if remote_tip else []
    listed = run(repo.git.rev_list, "--objects", "--ignore-missing", "HEAD", *excluded)
    if listed.code:
        raise local_error(repo_path, "list the commits to push", listed)
    try:
        for line in listed.out.decode(errors="replace").splitlines():
            name, _, path = line.partition(" ")
            # One `git cat-file --batch` answers all of these.
            _, kind, _, content = repo.git.get_object_data(name)
            if kind == "blob":
                yield path, content
            elif kind == "commit":
                yield f"commit {name}", content
    finally:
        repo.close()
