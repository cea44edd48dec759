"""One `git push` of one branch, with a lease on what the remote branch is expected to be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.delivery.access import network_environment
from generator.delivery.failures import remote_error
from generator.delivery.gitcommand import run
from generator.delivery.messages import printable, server_said

if TYPE_CHECKING:
    from git import Repo

    from generator.delivery.model import Target

# First pushes carry whole repositories; a server that runs long checks gets its time.
_TIMEOUT = 600.0
# `git push --porcelain`: flag, tab, from:to, tab, summary; the flag of a rejected branch is `!`.
_REJECTED = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)


def send(target: Target, repo: Repo, branch: str, *, commit: str | None, expected: str | None) -> str | None:
    """Make a remote branch point to a commit, provided that it is still where it was seen.

    Args:
        target: Whose remote.
        repo: The local repository.
        branch: Name of the remote branch.
        commit: What it is to point to; None deletes it.
        expected: What it must point to now; None if it must not exist.

    Returns:
        None when the remote did it; otherwise why it (or the lease) declined, in the server's own words.

    Raises:
        RemoteError: The remote could not be asked at all: unreachable, credentials refused, or a local hook said no.
    """
    reference = f"refs/heads/{branch}"
    done = run(
        repo.git.push,
        "--porcelain",
        # Exactly what the leak gate has read goes out, no tags that point into it.
        "--no-follow-tags",
        f"--force-with-lease={reference}:{expected or ''}",
        "--",
        "origin",
        f"{commit or ''}:{reference}",
        variables=network_environment(repo.git, target.url),
        timeout=_TIMEOUT,
    )
    if done.code == 0:
        return None
    rejected = _REJECTED.search(done.out.decode(errors="replace"))
    if rejected is None:
        raise remote_error(target.url, done)
    return "\n".join(filter(None, (printable(rejected[1]), server_said(done.err))))
