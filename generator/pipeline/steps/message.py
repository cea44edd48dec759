"""What a commit of rendered files says: which answers changed, or which secrets were sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.pipeline.steps.recorded import answers_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# git's own advice for a subject is 50 characters; tools cut it at about 72.
_WIDTH = 72


def first_message(cluster: str) -> str:
    """Return the message of a repository's first commit."""
    return f"Render the cluster {cluster}"


def next_message(cluster: str, repository: Path, staging: Path, sealed: Sequence[str]) -> str:
    """Return the message of a later commit.

    Args:
        cluster: Name of the cluster.
        repository: The repository as it is; an empty one gets the message of a first commit.
        staging: What is to be committed to it.
        sealed: The secrets that were sealed anew.
    """
    subject = first_message(cluster)
    before, after = answers_in(repository), answers_in(staging)
    if not before:
        return subject
    names = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    answers = [name for name in names if not name.startswith("_")]
    if "_commit" in names:
        answers.insert(0, f"template {after.get('_commit', 'of no version')}")
    return named(subject, answers) if answers else named("Seal secrets", sealed) if sealed else subject


def named(subject: str, names: Sequence[str], joined: str = ": ") -> str:
    """Return a subject that names as much as fits, with a list of all below where that is not all.

    Args:
        subject: What happened.
        names: To what.
        joined: What stands between the two.
    """
    whole = f"{subject}{joined}{', '.join(names)}"
    if len(whole) <= _WIDTH:
        return whole
    for count in range(len(names) - 1, 0, -1):
        short = f"{subject}{joined}{', '.join(names[:count])} and {len(names) - count} more"
        if len(short) <= _WIDTH:
            break
    else:
        short = f"{subject}{joined}{len(names)} changes"
    return "\n".join([short, "", *(f"- {name}" for name in names)])
