"""The push protocol: several repositories reach their remotes in order, or the run can be taken up where it stopped.

There is no transaction over several repositories. Instead

1. all remotes are asked, and nothing happens if one of them has commits that the local branch doesn't contain;
2. every repository is pushed to a run branch `gitops/<run id>`, which tries credentials, hooks and size everywhere;
3. the branches are moved forward, each with a lease on what step 1 saw; the same push deletes the run branch;
4. after each of these pushes the remote is asked again, and only what it answers is reported.

Steps 3 and 4 are done for Argo CD's repository when all others are through: the cluster acts on it at once, and must
find them complete. Among the others there is no order, and each is tried even if another one fails.

The state file is written after each step, before the next one begins. A step that was done when the process was
killed shows in what the remotes answer, so that the same command does nothing twice.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from generator.delivery.git.failures import combined
from generator.delivery.git.parallel import as_done, each
from generator.delivery.model import Delivered
from generator.delivery.remote.ask import HEADS, ask, run_references
from generator.delivery.remote.cleanup import delete_run_branches
from generator.delivery.remote.send import Update, send
from generator.delivery.remote.shipment import asked_again, conflict, examine
from generator.delivery.state import Delivery, Leftover, PartState, Step
from generator.errors import BadInputError, ConflictError, FmcError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from generator.delivery.model import Target
    from generator.delivery.remote.ask import RemoteBranches
    from generator.delivery.remote.shipment import Part
    from generator.delivery.state import StateFile

# What may stand after `gitops/` in the name of a branch (git-check-ref-format(1)), and a little less.
_RUN_ID = re.compile(r"[0-9A-Za-z]+(?:[._-][0-9A-Za-z]+)*(?<!\.lock)")


def push(
    targets_in_order: Sequence[Target],
    *,
    state: StateFile,
    run_id: str,
    progress: Callable[[str], None],
    answers: Sequence[RemoteBranches] = (),
) -> tuple[Delivered, ...]:
    """Bring the committed branches of several repositories to their remotes.

    A token in the environment (FMC_GIT_TOKEN, FMC_GIT_USER) is used for HTTP remotes; see `access`.

    Args:
        targets_in_order: The repositories; the one that Argo CD's root Application watches comes last.
        state: Where the progress is kept; a run that stopped is taken up again.
        run_id: Name of this run, part of the run branches' names; `state.unfinished_run()` gives the one to resume.
        progress: Is told what happens, one line at a time, from the calling thread.
        answers: What `remotes_ready` returned in the same command; remotes without an answer are asked.

    Returns:
        One entry per target, in their order; every remote has been asked and has the commit.

    Raises:
        BadInputError: A local repository is not in a state to be pushed, or the run id can't be part of a branch name.
        ConflictError: A remote branch has commits that the local one doesn't contain.
        RemoteError: A remote can't be reached, or declined.
        WriteError: The state file can't be written.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise BadInputError(f"{run_id!r} can't be the id of a run: it is part of a branch name")
    last = state.read()
    known = {answer.target: answer for answer in answers}
    parts = each(lambda target: examine(target, known.get(target)), targets_in_order)
    if conflicts := [conflict(part) for part in parts if not part.there and not part.sendable]:
        raise combined(conflicts)
    for part in parts:
        if part.there:
            progress(f"{part.target.part}: {part.shown} has {part.commit[:12]} already")
    if all(part.there for part in parts) and (last is None or last.finished):
        delivery = last or Delivery(run_id)
        changed = dict.fromkeys((part.target.part for part in parts), False)
    else:
        run = _Run(state, progress, _begin(last, run_id, parts))
        parts = run.deliver(parts)
        delivery = run.delivery
        changed = {name: part.needed for name, part in delivery.parts.items()}
    ended = replace(delivery, finished=True, leftovers=delete_run_branches(parts, delivery.leftovers, progress))
    if ended != last:
        state.write(ended)
    return tuple(_delivered(part, changed=changed[part.target.part]) for part in parts)


def _begin(last: Delivery | None, run_id: str, parts: Sequence[Part]) -> Delivery:
    """Return the state with which a run begins; what an unfinished one noted of the same commits stays true."""
    unfinished = last if last is not None and not last.finished else None
    earlier = unfinished.parts if unfinished else {}
    states = {part.target.part: _state(part, earlier.get(part.target.part)) for part in parts}
    leftovers = set(last.leftovers) if last else set()
    if unfinished:
        references = run_references(unfinished.run)
        leftovers |= {Leftover(one.url, name, one.commit) for one in earlier.values() for name in references}
    return Delivery(run_id, parts=states, leftovers=sorted(leftovers))


def _state(part: Part, earlier: PartState | None) -> PartState:
    target = part.target
    state = PartState(target.url, target.branch, part.commit, part.remote.tip, needed=part.sendable, step=Step.ASKED)
    if earlier is not None and earlier.goal == state.goal:
        return replace(state, before=earlier.before, needed=earlier.needed or state.needed)
    return state


def _delivered(part: Part, *, changed: bool) -> Delivered:
    target = part.target
    # A part that is delivered has a tip: it is the commit or a descendant of it.
    return Delivered(target.part, part.url, target.branch, part.commit, changed, part.remote.tip or part.commit)


class _Run:
    """A run that has something to do; each of its steps ends in the state file.

    Attributes:
        state: Where the progress is kept.
        progress: Is told what happens.
        delivery: How far it got.
        offered: The run branch of each repository, by the repositories' names, as a full reference.
    """

    def __init__(self, state: StateFile, progress: Callable[[str], None], delivery: Delivery) -> None:
        self.state = state
        self.progress = progress
        self.delivery = delivery
        self.offered: dict[str, str] = {}

    def deliver(self, parts: Sequence[Part]) -> list[Part]:
        """Go through steps 2 to 4, and return the parts as their remotes show them then."""
        self.state.write(self.delivery)
        self._offer([part for part in parts if part.sendable])
        return [*self._deliver(parts[:-1]), *self._deliver(parts[-1:])]

    def _offer(self, parts: Sequence[Part]) -> None:
        """Push every repository to its run branch; a failure of one is raised when all are through."""
        errors = []
        for index, outcome in as_done(self._offer_one, parts):
            if isinstance(outcome, FmcError):
                errors.append(outcome)
            else:
                self.offered[parts[index].target.part] = outcome
        self._reached(Step.OFFERED, *self.offered)
        if errors:
            raise combined(errors)

    def _offer_one(self, part: Part) -> str:
        """Return the run branch that has the commit now."""
        references = part.remote.run_references(self.delivery.run)
        declined: str | None = None
        for reference in references:
            present = part.remote.runs.get(reference)
            if present == part.commit:
                return reference
            declined = send(part.target, part.repo, Update(reference, part.commit, expected=present))
            if declined is None:
                return reference
        # The git of a killed run may have brought it there meanwhile.
        there = ask(part.target).runs
        for reference in references:
            if there.get(reference) == part.commit:
                return reference
        branch = references[-1].removeprefix(HEADS)
        raise RemoteError(
            f"{part.url} declined the branch {branch}; the server said:\n{declined}",
            where=part.url,
            fix="Allow this account to make branches gitops/*, or correct what the server names; then run the same "
            "command again.",
        )

    def _deliver(self, parts: Sequence[Part]) -> list[Part]:
        """Deliver repositories at once; a failure of one is raised when all are through."""
        now, errors = list(parts), []
        waiting = [index for index, part in enumerate(parts) if part.sendable]
        for done, outcome in as_done(lambda index: self._deliver_one(parts[index]), waiting):
            if isinstance(outcome, FmcError):
                errors.append(outcome)
                continue
            now[waiting[done]] = outcome
            self._reached(Step.DELIVERED, outcome.target.part)
            self.progress(f"{outcome.target.part}: pushed {outcome.commit[:12]}; asked again, {outcome.shown} has it")
        if errors:
            raise combined(errors)
        return now

    def _deliver_one(self, part: Part) -> Part:
        """Move the branch itself forward, if it is still where it was seen, and ask the remote whether it did."""
        forward = Update(part.reference, part.commit, expected=part.remote.tip)
        offered = self.offered[part.target.part]
        declined = send(part.target, part.repo, forward, Update(offered, commit=None, expected=part.commit))
        if declined is not None:
            # Not every server knows atomic pushes or lets every account delete; the run branch may stay.
            declined = send(part.target, part.repo, forward)
        now = asked_again(part)
        if not now.there:
            raise self._undelivered(now, part, declined)
        return now

    def _undelivered(self, now: Part, before: Part, declined: str | None) -> FmcError:
        """Return what it means that the remote, asked after the push, doesn't have the commit."""
        if declined is None:
            found = f"it is at {now.remote.tip[:12]}" if now.remote.tip else "there is no such branch"
            return RemoteError(
                f"{now.shown} doesn't have {now.commit[:12]} after the push; {found}",
                where=now.url,
                fix="Find out who else writes to the branch, then run the same command again.",
            )
        if not now.sendable:
            return conflict(now)
        if now.remote.tip != before.remote.tip:
            return ConflictError(
                f"somebody else changed {now.shown} at this very moment",
                where=now.url,
                fix="Run the same command again; it goes on where it stopped.",
            )
        offered = self.offered[now.target.part]
        request = f"open a merge request from {offered.removeprefix(HEADS)} into {now.target.branch} and merge it, or "
        return RemoteError(
            f"{now.url} declined to move its branch {now.target.branch}; the server said:\n{declined}",
            where=now.url,
            fix=f"If the branch is protected, {request if offered.startswith(HEADS) else ''}allow this account to push "
            "to it; then run the same command again.",
        )

    def _reached(self, step: Step, *names: str) -> None:
        for name in names:
            self.delivery.parts[name] = replace(self.delivery.parts[name], step=step)
        self.state.write(self.delivery)
