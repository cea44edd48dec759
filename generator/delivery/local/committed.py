"""Files of commits, where they differ from what lies in the work tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.delivery.git.command import repository_at, run
from generator.delivery.git.failures import local_error
from generator.delivery.git.objects import algorithm_of, entries_of_commit, entry_of_file
from generator.delivery.local.outgoing import remote_tracking_tip

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.delivery.model import Target


def committed_elsewhere(target: Target, wanted: Callable[[str], bool]) -> tuple[dict[str, bytes], ...]:
    """Return contents that the last commit and the remote branch have, and that the work tree has not.

    Args:
        target: The repository; the remote branch is where this repository last saw it.
        wanted: Tells by its path which file is asked for.

    Returns:
        One mapping of paths to contents for each of the two commits; text files are assumed, which end with a line
        break.

    Raises:
        BadInputError: The repository belongs to another user.
        ToolError: git failed.
    """
    repo = repository_at(target.path)
    if repo is None:
        return ()
    head = run(repo.git.rev_parse, "--quiet", "--verify", "HEAD^{commit}")
    if head.code not in (0, 1):
        raise local_error(target.path, "find the last commit", head)
    commits = dict.fromkeys(commit for commit in (head.out.decode() or None, remote_tracking_tip(target)) if commit)
    seen: set[tuple[str, str]] = set()
    snapshots = []
    for commit in commits:
        contents = {}
        for name, entry in entries_of_commit(target.path, repo, commit).items():
            if not wanted(name) or (name, entry.blob) in seen:
                continue
            seen.add((name, entry.blob))
            file = target.path / name
            if file.is_file() and entry_of_file(file, algorithm_of(commit)).blob == entry.blob:
                continue
            read = run(repo.git.cat_file, "blob", entry.blob)
            if read.code:
                raise local_error(target.path, f"read {name} of a commit", read)
            contents[name] = read.out + b"\n"
        snapshots.append(contents)
    return tuple(snapshots)
