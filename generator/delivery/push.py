"""The push protocol: several repositories reach their remotes in order, or the run can be taken up where it stopped.

There is no transaction over several repositories. Instead

1. all remotes are asked, and nothing happens if one of them has commits that the local branch doesn't contain, or has
   lost commits that fmc had delivered;
2. every repository is pushed to a run branch `fmc-run-<run id>`, which tries credentials, hooks and size everywhere;
3. the branches are moved forward, each with a lease on what step 1 saw; the same push deletes the run branch;
4. all remotes are asked again, after the last deletion, and only what they answer then is reported.

Step 3 is done for Argo CD's repository when all others are through, and have been asked: the cluster acts on it at
once, and must find them complete. Among the others there is no order, and each is tried even if another one fails.

The state file names what a run is going to make before it makes it. A step that was done when the process was killed
shows in what the remotes answer, so that the same command does nothing twice, and deletes nothing but its own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from generator.delivery.git.failures import combined
from generator.delivery.git.parallel import as_done, each
from generator.delivery.model import Delivered
from generator.delivery.remote.ask import ask
from generator.delivery.remote.cleanup import delete_run_references, still_there
from generator.delivery.remote.references import HEADS, RUN_BRANCH, is_run_id, run_references
from generator.delivery.remote.send import Update, send
from generator.delivery.remote.shipment import asked_again, conflict, examine
from generator.delivery.state import Delivery, Goal, RunReference, Seen
from generator.errors import BadInputError, ConflictError, FmcError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from generator.delivery.model import Target
    from generator.delivery.remote.ask import RemoteBranches
    from generator.delivery.remote.shipment import Shipment
    from generator.delivery.state import StateFile


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
        answers: What the remotes answered in the same command; remotes without an answer are asked.

    Returns:
        One entry per target, in their order; every remote has been asked and has the commit.

    Raises:
        BadInputError: A local repository is not in a state to be pushed, or the run id can't be part of a branch name.
        ConflictError: A remote branch has commits that the local one doesn't contain, or was set back.
        RemoteError: A remote can't be reached, or declined.
        WriteError: The state file can't be written.
    """
    if not is_run_id(run_id):
        raise BadInputError(f"{run_id!r} can't be the id of a run: it is part of a branch name")
    last = state.read()
    known = {answer.target: answer for answer in answers}
    shipments = each(lambda target: examine(target, known.get(target)), targets_in_order)
    seen = last.seen if last else {}
    found = (conflict(one, seen.get((one.target.url, one.target.branch))) for one in shipments)
    if conflicts := [error for error in found if error is not None]:
        raise combined(conflicts)
    for one in shipments:
        if one.there:
            progress(f"{one.target.part}: {one.shown} has {one.commit[:12]} already")
    transfer = _Transfer(state, progress, _begin(last, run_id, shipments))
    done = transfer.complete(shipments)
    ended = _ended(transfer.delivery, done)
    if ended != last:
        state.write(ended)
    return tuple(_delivered(one, changed=one.target.part in transfer.delivery.needed) for one in done)


def _begin(last: Delivery | None, run_id: str, shipments: Sequence[Shipment]) -> Delivery:
    """Return the state with which a run begins; what an unfinished one noted of the same commits stays true."""
    unfinished = last.needed if last is not None and not last.finished else {}
    goals = {one.target.part: Goal(one.target.url, one.target.branch, one.commit) for one in shipments}
    sendable = [one for one in shipments if one.sendable]
    needed = {part: goal for part, goal in goals.items() if unfinished.get(part) == goal}
    needed |= {one.target.part: goals[one.target.part] for one in sendable}
    going_to_make = {
        RunReference(one.target.url, name, one.commit)
        for one in sendable
        for name in run_references(run_id, empty=one.remote.empty)
    }
    made = sorted({*(last.made if last else ()), *going_to_make})
    if last is not None and not needed:
        run_id = last.run
    return Delivery(run_id, needed=needed, made=made, seen=dict(last.seen) if last else {})


def _ended(delivery: Delivery, shipments: Sequence[Shipment]) -> Delivery:
    """Return the state with which a run ends, as the remotes answered last."""
    urls = {one.target.url for one in shipments}
    left = {one for one in delivery.made if one.url not in urls}
    for one in shipments:
        left |= {RunReference(one.target.url, *item) for item in still_there(one, delivery.made).items()}
    return replace(delivery, finished=True, needed={}, made=sorted(left))


def _delivered(shipment: Shipment, *, changed: bool) -> Delivered:
    target = shipment.target
    # A repository that is delivered has a tip: it is the commit or a descendant of it.
    tip = shipment.remote.tip or shipment.commit
    return Delivered(target.part, shipment.url, target.branch, shipment.commit, changed, tip)


class _Transfer:
    """A run, with what it has noted in the state file.

    Attributes:
        state: Where the progress is kept.
        progress: Is told what happens.
        delivery: What is known of it.
    """

    def __init__(self, state: StateFile, progress: Callable[[str], None], delivery: Delivery) -> None:
        self.state = state
        self.progress = progress
        self.delivery = delivery

    def complete(self, shipments: Sequence[Shipment]) -> list[Shipment]:
        """Go through steps 2 to 4, and return the repositories as their remotes show them then."""
        if self.delivery.needed:
            self.state.write(self.delivery)
        deleted = self._clean_up(shipments)
        waiting = [one for one in shipments if one.sendable]
        offered = self._offer(waiting)
        for group in (shipments[:-1], shipments[-1:]):
            self._deliver([one for one in group if one.sendable], offered)
        now = each(asked_again, shipments) if waiting or deleted else list(shipments)
        if errors := [_undelivered(one, before) for one, before in zip(now, shipments, strict=True) if not one.there]:
            raise combined(errors)
        for one in now:
            self._saw(one)
        return now

    def _clean_up(self, shipments: Sequence[Shipment]) -> bool:
        """Delete what earlier runs left on the remotes; return whether there was something."""
        run, made = self.delivery.run, self.delivery.made
        keep = {
            one.target.part: run_references(run, empty=one.remote.empty) if one.sendable else () for one in shipments
        }
        found = [one for one in shipments if still_there(one, made).keys() - set(keep[one.target.part])]
        for one, stayed in zip(
            found, each(lambda one: delete_run_references(one, made, keep[one.target.part]), found), strict=True
        ):
            self._stays(one, stayed)
        return bool(found)

    def _stays(self, shipment: Shipment, stayed: Sequence[tuple[str, str]]) -> None:
        for name, reason in stayed:
            self.progress(f"{shipment.target.part}: {name} stays on {shipment.url}: {reason}")

    def _offer(self, shipments: Sequence[Shipment]) -> dict[str, str]:
        """Push every repository to its run branch; a failure of one is raised when all are through.

        Returns:
            The full name of each repository's run reference, by the repositories' names.
        """
        errors, offered = [], {}
        for index, outcome in as_done(self._offer_one, shipments):
            if isinstance(outcome, FmcError):
                errors.append(outcome)
            else:
                offered[shipments[index].target.part] = outcome
        if errors:
            raise combined(errors)
        return offered

    def _offer_one(self, shipment: Shipment) -> str:
        """Return the run reference that has the commit now."""
        names = run_references(self.delivery.run, empty=shipment.remote.empty)
        own = still_there(shipment, self.delivery.made)
        declined: str | None = None
        for name in names:
            if own.get(name) == shipment.commit:
                return name
            declined = send(shipment.target, shipment.repo, Update(name, shipment.commit, expected=own.get(name)))
            if declined is None:
                return name
        # The git of a killed run may have brought it there meanwhile.
        there = still_there(replace(shipment, remote=ask(shipment.target)), self.delivery.made)
        for name in names:
            if there.get(name) == shipment.commit:
                return name
        raise RemoteError(
            f"{shipment.url} declined the branch {names[-1].removeprefix(HEADS)}; the server said:\n{declined}",
            where=shipment.url,
            fix=f"Allow this account to make branches {RUN_BRANCH}*, or correct what the server names; then run the "
            "same command again.",
        )

    def _deliver(self, shipments: Sequence[Shipment], offered: dict[str, str]) -> None:
        """Deliver repositories at once; a failure of one is raised when all are through."""
        errors = []
        for index, outcome in as_done(partial(self._deliver_one, offered=offered), shipments):
            if isinstance(outcome, FmcError):
                errors.append(outcome)
                continue
            now, stayed = outcome
            self._stays(shipments[index], stayed)
            self._saw(now)
            self.state.write(self.delivery)
            self.progress(f"{now.target.part}: pushed {now.commit[:12]}; asked again, {now.shown} has it")
        if errors:
            raise combined(errors)

    def _deliver_one(self, shipment: Shipment, offered: dict[str, str]) -> tuple[Shipment, list[tuple[str, str]]]:
        """Move the branch itself forward, if it is still where it was seen, and ask the remote whether it did.

        Returns:
            The repository as its remote shows it then, and the run references that had to stay.
        """
        forward = Update(shipment.reference, shipment.commit, expected=shipment.remote.tip)
        own = {**still_there(shipment, self.delivery.made), offered[shipment.target.part]: shipment.commit}
        deletions = [Update(name, commit=None, expected=commit) for name, commit in own.items()]
        declined = send(shipment.target, shipment.repo, forward, *deletions)
        stayed: list[tuple[str, str]] = []
        if declined is not None:
            # Not every server knows atomic pushes or lets every account delete; the run branch may stay.
            declined = send(shipment.target, shipment.repo, forward)
            if declined is None:
                stayed = delete_run_references(asked_again(shipment), self.delivery.made)
        now = asked_again(shipment)
        if not now.there:
            raise _undelivered(now, shipment, declined, offered[shipment.target.part])
        return now, stayed

    def _saw(self, shipment: Shipment) -> None:
        """Note where a remote's branch is that has the commit."""
        seen = Seen(shipment.commit, shipment.remote.tip or shipment.commit)
        self.delivery.seen[shipment.target.url, shipment.target.branch] = seen


def _undelivered(now: Shipment, before: Shipment, declined: str | None = None, offered: str = "") -> FmcError:
    """Return what it means that the remote, asked after the push, doesn't have the commit."""
    if declined is None:
        found = f"it is at {now.remote.tip[:12]}" if now.remote.tip else "there is no such branch"
        return RemoteError(
            f"{now.shown} doesn't have {now.commit[:12]} after the push; {found}",
            where=now.url,
            fix="Find out who else writes to the branch, then run the same command again.",
        )
    if (decision := conflict(now, None)) is not None:
        return decision
    if now.remote.tip != before.remote.tip:
        return ConflictError(
            f"somebody else changed {now.shown} at this very moment",
            where=now.url,
            fix="Run the same command again; it goes on where it stopped.",
        )
    request = f"open a merge request from {offered.removeprefix(HEADS)} into {now.target.branch} and merge it, or "
    return RemoteError(
        f"{now.url} declined to move its branch {now.target.branch}; the server said:\n{declined}",
        where=now.url,
        fix=f"If the branch is protected, {request if offered.startswith(HEADS) else ''}allow this account to push "
        "to it; then run the same command again.",
    )
