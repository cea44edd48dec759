"""The names of what a run makes on a remote, beside the branch that it delivers.

They can't be a person's: no branch is made below a folder that a person's branch could be the name of (Git keeps no
`gitops/x` beside `gitops`), and the id of a run holds a time and random digits. All the same no name decides what is
deleted: that is what the state file has recorded, and still is where the run put it.
"""

from __future__ import annotations

import re

HEADS = "refs/heads/"
RUN_BRANCH = "fmc-run-"
"""What run branches begin with; the answer git_branch may not."""
# A forge makes the first branch of an empty repository its default branch, and then refuses to delete it. What lies
# outside of refs/heads is no branch.
_OUTSIDE = "refs/fmc/"
PATTERNS = (f"{HEADS}*", f"{_OUTSIDE}*")
"""What `git ls-remote` is asked for: all branches, and what runs put outside of them."""
# What may stand in the name of a branch (git-check-ref-format(1)), and a little less.
_RUN_ID = re.compile(r"[0-9A-Za-z]+(?:[._-][0-9A-Za-z]+)*(?<!\.lock)")


def is_run_id(text: str) -> bool:
    """Return whether a text can be the id of a run."""
    return _RUN_ID.fullmatch(text) is not None


def run_references(run_id: str, *, empty: bool) -> tuple[str, ...]:
    """Return the full names under which a run may offer its commit, the preferred one first.

    A branch is what a forge's rules and hooks are for, and what a merge request can be opened from.

    Args:
        run_id: The run.
        empty: Whether the remote has no branch yet.
    """
    branch = f"{HEADS}{RUN_BRANCH}{run_id}"
    return (f"{_OUTSIDE}{run_id}", branch) if empty else (branch,)
