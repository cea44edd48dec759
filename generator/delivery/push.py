"""The push protocol: several repositories reach their remotes in order, or the run can be taken up where it stopped.

There is no transaction over several repositories. Instead

1. all remotes are asked, and nothing happens if one of them has commits that the local branch doesn't contain, or has
   lost commits that fmc had delivered;
2. every repository is pushed to a run branch `fmc-run-<run id>`, which tries credentials, hooks and size everywhere;
3. the branches are moved forward, each with a lease on what step 1 saw; the same push deletes the run branch;
4. all remotes are asked again, after the last deletion, and only what they answer then is reported.

Step 3 is done for Argo CD's repository when all others are through, and have been asked: the cluster acts on it at
once, and must find them complete. Among the others there is no order, and each is tried even if another one fails.

Where people merge, step 3 is theirs: a pull request from the run branch is opened, and the run goes on when its
commit is on the branch. The request for Argo CD's repository is opened when all others are through.

The state file names what a run is going to make before it makes it. A step that was done when the process was killed
shows in what the remotes answer, so that the same command does nothing twice, and deletes nothing but its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from generator.delivery.git.failures import combined
from generator.delivery.git.parallel import each
from generator.delivery.model import Delivered
from generator.delivery.remote.cleanup import still_there
from generator.delivery.remote.references import is_run_id, run_references
from generator.delivery.remote.shipment import conflict, examine
from generator.delivery.state import Delivery, Goal, RunReference
from generator.delivery.transfer import Transfer
from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from generator.delivery.model import Propose, Proposed, Target
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
    """Bring the committed branches of several repositories to their remotes, as `deliver` does without requests.

    Args:
        targets_in_order: As for `deliver`, and so are the others.
        state: See there.
        run_id: See there.
        progress: See there.
        answers: See there.

    Returns:
        One entry per target, in their order; every remote has been asked and has the commit.
    """
    delivered, _ = deliver(targets_in_order, state=state, run_id=run_id, progress=progress, answers=answers)
    return delivered


def deliver(
    targets_in_order: Sequence[Target],
    *,
    state: StateFile,
    run_id: str,
    progress: Callable[[str], None],
    answers: Sequence[RemoteBranches] = (),
    propose: Propose | None = None,
) -> tuple[tuple[Delivered, ...], tuple[Proposed, ...]]:
    """Bring the committed branches of several repositories to their remotes.

    A token in the environment (FMC_GIT_TOKEN, FMC_GIT_USER) is used for HTTP remotes; see `access`.

    Args:
        targets_in_order: The repositories; the one that Argo CD's root Application watches comes last.
        state: Where the progress is kept; a run that stopped is taken up again.
        run_id: Name of this run, part of the run branches' names; `state.unfinished_run()` gives the one to resume.
        progress: Is told what happens, one line at a time, from the calling thread.
        answers: What the remotes answered in the same command; remotes without an answer are asked.
        propose: Opens pull requests, for branches that exist; None moves them forward.

    Returns:
        One entry per target whose remote has been asked and has the commit, in their order; and what waits for people
        to merge it. While something waits, the last target is not touched, and the same call goes on.

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
    transfer = Transfer(state, progress, _begin(last, run_id, shipments), propose)
    done = transfer.complete(shipments)
    waits = tuple(transfer.proposed)
    ended = replace(_ended(transfer.delivery, done), finished=not waits)
    if waits:
        ended.needed = transfer.delivery.needed
    if ended != last:
        state.write(ended)
    there = (one for one in done if one.there)
    return tuple(_delivered(one, changed=one.target.part in transfer.delivery.needed) for one in there), waits


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
