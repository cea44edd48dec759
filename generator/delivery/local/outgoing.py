"""What a push would publish: every content and every message of the commits that the remote doesn't have."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from generator.delivery.git.command import Output, output_of, repository_at, run
from generator.delivery.git.failures import local_error
from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import IO

    from generator.delivery.model import Target
    from generator.delivery.state import Delivery


def believed_tips(targets: Iterable[Target], last: Delivery | None) -> dict[Target, str | None]:
    """Return where the remotes' branches were last, for a look without a network; None where nothing is known.

    What a workspace has delivered is known by the remote's address: `origin/main` would go on telling what the remote
    before another one had. Where fmc has delivered nothing from here, as in a clone, that is all there is.

    Args:
        targets: The repositories.
        last: What the state file of their workspace tells; None where there is none.
    """
    if last is None:
        return {target: remote_tracking_tip(target) for target in targets}
    seen = {target: last.seen.get((target.url, target.branch)) for target in targets}
    return {target: one.tip if one else None for target, one in seen.items()}


def remote_tracking_tip(target: Target) -> str | None:
    """Return where a remote's branch was when this repository last spoke to its origin; None if it never did."""
    from git import SymbolicReference

    repo = repository_at(target.path)
    if repo is None:
        return None
    try:
        return SymbolicReference.dereference_recursive(repo, f"refs/remotes/origin/{target.branch}")
    except ValueError:
        return None


def track(target: Target, commit: str) -> None:
    """Note that a remote's branch is at a commit that this repository has.

    Raises:
        ToolError: git failed.
    """
    repo = repository_at(target.path)
    if repo is None or remote_tracking_tip(target) == commit:
        return
    noted = run(repo.git.update_ref, f"refs/remotes/origin/{target.branch}", commit)
    if noted.code:
        raise local_error(target.path, "note where the remote's branch is", noted)


def outgoing_blobs(repo_path: Path, remote_tip: str | None) -> Iterator[tuple[str, bytes]]:
    """Yield what a push of the current branch would send; nothing where it has no commit.

    Files that an earlier outgoing commit had and a later one removed are included: they are published as well.

    Args:
        repo_path: The repository.
        remote_tip: What the remote branch points to; None where it has no such branch. A commit that is unknown
            here excludes nothing.

    Yields:
        Path of the file and its content, each content once; `commit <id>` and the commit with its headers; `names in
        <folder>` and the names of what lies in it, a line each: a content that is published already may get a new one.

    Raises:
        BadInputError: The folder is no repository, or belongs to another user.
        ToolError: git failed.
    """
    repo = repository_at(repo_path)
    if repo is None:
        raise BadInputError(f"{repo_path} is no Git repository", where=str(repo_path))
    excluded = [f"^{remote_tip}"] if remote_tip else []
    listed = run(repo.git.rev_list, "--objects", "--ignore-missing", "HEAD", *excluded)
    if listed.code:
        # 1 is its code for a name that leads to nothing; any other failure must not look like an empty history.
        if run(repo.git.rev_parse, "--quiet", "--verify", "HEAD").code == 1:
            return
        raise local_error(repo_path, "list the commits to push", listed)
    if not listed.out:
        return
    with tempfile.TemporaryFile() as names:
        names.write(listed.out + b"\n")
        names.seek(0)
        # `rest` is what followed the name of the object in its line: the path (git-cat-file(1), BATCH OUTPUT).
        wanted = "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)"
        with output_of(repo.git.cat_file, wanted, stdin=names) as objects:
            yield from _parsed(repo_path, objects)


def _parsed(repo_path: Path, stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Read objects one by one: a line that describes it, its content, a line break."""
    for line in stream:
        name, kind, *more = line.decode(errors="replace").rstrip("\n").split(" ", 3)
        if kind not in ("blob", "commit", "tree"):
            raise local_error(repo_path, "read the commits to push", Output(1, b"", f"object {name} is {kind}"))
        content = stream.read(int(more[0]))
        stream.read(1)
        if kind == "blob":
            yield more[1], content
        elif kind == "commit":
            yield f"commit {name}", content
        else:
            yield f"names in {more[1] or 'the top folder'}", b"\n".join(_names(content, len(name) // 2))


def _names(tree: bytes, identifier: int) -> Iterator[bytes]:
    """Yield the names in a tree: mode, space, name, NUL, and an identifier of so many bytes for each."""
    start = 0
    while start < len(tree):
        space, end = tree.index(b" ", start), tree.index(b"\0", start)
        yield tree[space + 1 : end]
        start = end + 1 + identifier
