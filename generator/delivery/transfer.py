"""How commits get to their remotes: run branches first, then the branches themselves or pull requests, argocd last."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from generator.delivery.git.failures import combined
from generator.delivery.git.parallel import as_done, each
from generator.delivery.local.commits import subject_of
from generator.delivery.local.outgoing import track
from generator.delivery.model import Offer, ProposalState
from generator.delivery.remote.ask import ask
from generator.delivery.remote.cleanup import delete_run_references, still_there
from generator.delivery.remote.references import HEADS, RUN_BRANCH, run_references
from generator.delivery.remote.send import Update, send
from generator.delivery.remote.shipment import asked_again, conflict
from generator.delivery.state import Seen
from generator.errors import ConflictError, FmcError, RemoteError
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from generator.delivery.model import Propose, Proposed
    from generator.delivery.remote.shipment import Shipment
    from generator.delivery.state import Delivery, StateFile


class Transfer:
    """A run, with what it has noted in the state file.

    Attributes:
        state: Where the progress is kept.
        progress: Is told what happens.
        delivery: What is known of it.
        propose: Opens pull requests; None moves the branches forward itself.
        proposed: What waits for people to merge it.
    """

    def __init__(
        self, state: StateFile, progress: Callable[[str], None], delivery: Delivery, propose: Propose | None = None
    ) -> None:
        self.state = state
        self.progress = progress
        self.delivery = delivery
        self.propose = propose
        self.proposed: list[Proposed] = []

    def complete(self, shipments: Sequence[Shipment]) -> list[Shipment]:
        """Go through steps 2 to 4, and return the repositories as their remotes show them then."""
        if self.delivery.needed:
            self.state.write(self.delivery)
        deleted = self._clean_up(shipments)
        waiting = [one for one in shipments if one.sendable]
        offered = self._offer(waiting)
        for group in (shipments[:-1], shipments[-1:]):
            if self.proposed:
                # The last one waits until people have merged the others.
                break
            sendable = [one for one in group if one.sendable]
            # What founds a branch can't be proposed: there is nothing that it could be merged into.
            by_request = [one for one in sendable if self.propose and one.remote.tip is not None]
            self._deliver([one for one in sendable if one not in by_request], offered)
            self._propose(by_request, offered)
        now = each(asked_again, shipments) if waiting or deleted else list(shipments)
        later = zip(now, shipments, strict=True) if not self.proposed else ()
        if errors := [_undelivered(one, before) for one, before in later if not one.there]:
            raise combined(errors)
        for one in now:
            if one.there:
                self._saw(one)
        return now

    def _propose(self, shipments: Sequence[Shipment], offered: dict[str, str]) -> None:
        """Have a pull request for each repository; those that are merged already are delivered."""
        errors: list[FmcError] = []
        for one in shipments:
            if self.propose is None:
                continue
            source = offered[one.target.part].removeprefix(HEADS)
            subject = subject_of(one.target.path, one.repo, one.commit)
            proposed = self.propose(Offer(one.target, source, one.commit, str(one.remote.tip), subject))
            if proposed.state is ProposalState.CLOSED:
                errors.append(_closed(one, proposed))
            elif proposed.state is ProposalState.OPEN:
                self.proposed.append(proposed)
                self.progress(f"{one.target.part}: {one.commit[:12]} waits to be merged: {proposed.page}")
            elif not (now := asked_again(one)).there:
                errors.append(conflict(now, None) or _undelivered(now, one))
        if errors:
            raise combined(errors)

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
        # git notes that by itself where it pushed the branch; what people merged it has not seen.
        if shipment.remote.tip == shipment.commit:
            track(shipment.target, shipment.commit)


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


def _closed(shipment: Shipment, proposed: Proposed) -> ConflictError:
    again = command("git", "-C", str(shipment.target.path), "commit", "--amend")
    return ConflictError(
        f"the pull request {proposed.page} was closed, and its commits are not on {shipment.shown}",
        where=proposed.page,
        fix=f"Reopen it there, or correct what was wanted ({again}); then run the same command again, which opens "
        "another one for another commit.",
    )
