"""How each repository stands to its remote, asked now, told as rows and findings; no refusal stops the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.parallel import as_done
from generator.delivery.local.repository import require_deliverable
from generator.delivery.remote.history import Relation
from generator.delivery.remote.shipment import compared, conflict
from generator.errors import FmcError
from generator.findings import Flaw, Severity, declare
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.delivery.model import Target
    from generator.delivery.remote.shipment import Shipment
    from generator.delivery.state import Delivery, Seen
    from generator.findings import Finding

REMOTE = declare("delivery/remote", "The remote has what is committed, and nothing besides.", Severity.WARNING)
_SHOWN = {
    Relation.ABSENT: "nothing of it is there",
    Relation.EQUAL: "pushed",
    Relation.OLDER: "not pushed",
    Relation.NEWER: "the remote has more",
    Relation.DIVERGED: "both have commits of their own",
    Relation.UNRELATED: "the remote has another history",
}


@dataclass(frozen=True)
class RemoteState:
    """A repository and its remote.

    Attributes:
        part: Which one.
        branch: The branch that is delivered.
        state: How they stand to each other, in words.
        finding: What a person has to do about it; None where nothing.
    """

    part: str
    branch: str
    state: str
    finding: Finding | None


def remote_states(targets: Sequence[Target], last: Delivery | None) -> list[RemoteState]:
    """Ask all remotes at once, and compare them with what is committed here.

    Args:
        targets: The repositories.
        last: What the state file of their workspace tells; None where there is none.
    """
    seen = last.seen if last else {}
    done = dict(as_done(lambda target: compared(require_deliverable(target)), targets))
    return [_state(target, done[index], seen.get((target.url, target.branch))) for index, target in enumerate(targets)]


def _state(target: Target, outcome: Shipment | FmcError, seen: Seen | None) -> RemoteState:
    if isinstance(outcome, FmcError):
        return RemoteState(target.part, target.branch, "not known", _refused(target, outcome))
    refusal = conflict(outcome, seen)
    finding = _refused(target, refusal) if refusal else _to_do(outcome)
    return RemoteState(target.part, target.branch, _SHOWN[outcome.relation], finding)


def _refused(target: Target, error: FmcError) -> Finding:
    return REMOTE.finding(Flaw(target.path.name, 0, error.message, fix=error.fix or "", severity=Severity.ERROR))


def _to_do(shipment: Shipment) -> Finding | None:
    """Return what brings both together where nothing is in the way; None where they are the same."""
    folder = shipment.target.path
    if shipment.sendable:
        flaw = Flaw(folder.name, 0, f"{shipment.shown} does not have {shipment.commit[:12]}", fix="Run `fmc push`.")
        return REMOTE.finding(flaw)
    if shipment.relation is Relation.NEWER:
        pull = command("git", "-C", str(folder), "pull", "--ff-only", "origin", shipment.target.branch)
        return REMOTE.finding(
            Flaw(folder.name, 0, f"{shipment.shown} has commits that are not here", fix=f"Run {pull}.")
        )
    return None
