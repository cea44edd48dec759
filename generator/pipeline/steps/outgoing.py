"""What a push would publish: the state of the repositories, and their commits where those are not what lies there."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import FmcError, ToolError
from generator.findings import Finding, Flaw, Severity, declare
from generator.pipeline.steps.own_changes import all_fmcs_own
from generator.tools.git import git
from generator.wording import command
from generator.workspace import Folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from generator.delivery.model import Target

STATE = declare("delivery/repository", "A repository is in a state in which it can be pushed.")
UNCOMMITTED = declare("delivery/uncommitted", "What is to be pushed is committed.", Severity.WARNING)
_CLEAN_CLONE = ("clone", "--quiet", "--shared", "--no-tags", "--single-branch", "--template=")


def states(targets: Iterable[Target], severity: Severity) -> tuple[list[Finding], dict[Target, bool]]:
    """Find repositories that a push would refuse: none at all, on no branch, in the middle of a merge, another one's.

    Args:
        targets: The repositories.
        severity: How bad that is here.

    Returns:
        The findings; and of each other repository whether its commit is something else than the files beside it. What
        fmc wrote is committed by the push itself, as long as nothing else has changed.
    """
    from generator.delivery.local.repository import require_deliverable

    findings = []
    differing = {}
    for target in targets:
        try:
            found = require_deliverable(target)
        except ToolError:
            # git itself fails: nothing can be said about what would go out.
            raise
        except FmcError as error:
            flaw = Flaw(target.path.name, 0, error.message, fix=error.fix or "", severity=severity)
            findings.append(STATE.finding(flaw))
        else:
            others = not all_fmcs_own(target, found.changes)
            differing[target] = others and found.head is not None
            if others:
                findings.append(_uncommitted(target, found.changes))
    return findings, differing


def _uncommitted(target: Target, changes: tuple[str, ...]) -> Finding:
    """Return the warning that a push would wait for a person."""
    files = "1 file is" if len(changes) == 1 else f"{len(changes)} files are"
    message = f"{files} not committed, {changes[0]} for one: a push waits until that is settled"
    aside = command("git", "-C", str(target.path), "stash", "--include-untracked")
    return UNCOMMITTED.finding(Flaw(target.path.name, 0, message, fix=f"Commit them, or put them aside: {aside}."))


@contextmanager
def checked_out(
    targets: Iterable[Target], folders: Folders, differing: Mapping[Target, bool]
) -> Iterator[Folders | None]:
    """Check out the commits that differ from the files that lie there, as a clone would show them.

    Args:
        targets: The repositories.
        folders: Where their files lie.
        differing: What `states` has told; the others are looked at.

    Yields:
        The folders with the clones in their places; None where every commit is what lies there.
    """
    others = [target for target in targets if (differing[target] if target in differing else _differs(target))]
    if not others:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="fmc-outgoing-") as temporary:
        clones = {}
        for target in others:
            # Under the folder's own name, by which findings name the files.
            clone = Path(temporary) / target.path.name
            git(target.path, *_CLEAN_CLONE, "--", str(target.path.absolute()), str(clone))
            clones[target.part] = clone
        yield replace(folders, repositories={**folders.repositories, **clones})


def _differs(target: Target) -> bool:
    """Return whether a commit is something else than the files beside it, in a repository in whatever state."""
    if not (target.path / ".git").exists() or git(target.path, "rev-parse", "--verify", "-q", "HEAD", ok=(0, 1)).code:
        return False
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
    entries = git(target.path, "status", *options).stdout.decode(errors="surrogateescape").split("\0")
    return not all_fmcs_own(target, tuple(entry[3:] for entry in entries if entry))
