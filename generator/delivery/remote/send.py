"""One `git push`, with a lease on what each remote reference is expected to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.access import network_environment
from generator.delivery.git.command import run
from generator.delivery.git.failures import remote_error
from generator.delivery.git.messages import printable, server_said

if TYPE_CHECKING:
    from git import Repo

    from generator.delivery.model import Target

# First pushes carry whole repositories; a server that runs long checks gets its time.
_TIMEOUT = 600.0
# `git push --porcelain`: flag, tab, from:to, tab, summary; the flag of a rejected reference is `!`.
_REJECTED = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)
_NOT_ATOMIC = "does not support --atomic push"


@dataclass(frozen=True)
class Update:
    """What is to become of one remote reference.

    Attributes:
        reference: Its full name.
        commit: What it is to point to; None deletes it.
        expected: What it must point to now; None if it must not exist.
    """

    reference: str
    commit: str | None
    expected: str | None


def send(target: Target, repo: Repo, *updates: Update) -> str | None:
    """Make remote references point to commits, provided that they are still where they were seen: all or none.

    Args:
        target: Whose remote.
        repo: The local repository.
        updates: What is to be where; at least one.

    Returns:
        None when the remote did it; otherwise why it (or a lease) declined, in the server's own words.

    Raises:
        RemoteError: The remote could not be asked at all: unreachable, credentials refused, or a local hook said no.
    """
    done = run(
        repo.git.push,
        "--porcelain",
        # Exactly what the leak gate has read goes out, no tags that point into it.
        "--no-follow-tags",
        *(["--atomic"] if len(updates) > 1 else []),
        *(f"--force-with-lease={update.reference}:{update.expected or ''}" for update in updates),
        "--",
        "origin",
        *(f"{update.commit or ''}:{update.reference}" for update in updates),
        variables=network_environment(repo.git, target),
        timeout=_TIMEOUT,
    )
    if done.code == 0:
        return None
    if _NOT_ATOMIC in done.err:
        return _NOT_ATOMIC
    rejected = _REJECTED.search(done.out.decode(errors="replace"))
    if rejected is None:
        raise remote_error(target.url, done)
    return "\n".join(filter(None, (printable(rejected[1]), server_said(done.err))))
