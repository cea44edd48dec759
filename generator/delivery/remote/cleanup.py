"""Deleting run branches that are still there: those that earlier runs of ours left, and those a server kept."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from generator.delivery.git.parallel import each
from generator.delivery.remote.history import contains
from generator.delivery.remote.send import Update, send
from generator.delivery.state import Leftover
from generator.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from generator.delivery.remote.shipment import Part


def delete_run_branches(
    parts: Sequence[Part], leftovers: Iterable[Leftover], progress: Callable[[str], None]
) -> list[Leftover]:
    """Delete the run branches of repositories that are delivered.

    A run branch is ours to delete if the delivered commit contains it, so that nothing is lost, or if the state file
    names it and it still is what we pushed.

    Args:
        parts: The repositories, all delivered.
        leftovers: What the state file names.
        progress: Is told of branches that could not be deleted; the delivery itself has succeeded.

    Returns:
        What is left: branches that could not be deleted, and those on remotes that are not among the parts.
    """
    known = frozenset(leftovers)
    left = {one for one in known if one.url not in {part.target.url for part in parts}}
    for part, failures in zip(parts, each(partial(_clean, known=known), parts), strict=True):
        for leftover, reason in failures.items():
            left.add(leftover)
            progress(f"{part.target.part}: {leftover.reference} stays on {part.url}: {reason}")
    return sorted(left)


def _clean(part: Part, known: frozenset[Leftover]) -> dict[Leftover, str]:
    """Return the branches of one remote that had to stay, each with the reason."""
    failures = {}
    for reference, commit in part.remote.runs.items():
        candidate = Leftover(part.target.url, reference, commit)
        if candidate not in known and not contains(part.repo, part.commit, commit):
            continue
        try:
            reason = send(part.target, part.repo, Update(reference, commit=None, expected=commit))
        except RemoteError as error:
            reason = error.message
        if reason is not None:
            failures[candidate] = reason
    return failures
