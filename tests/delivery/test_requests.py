"""Delivery where people merge: pull requests from the run branches, argocd's when the others are there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from generator.delivery.model import ProposalState, Proposed
from generator.delivery.push import deliver
from generator.errors import ConflictError
from tests.delivery.workspace import PARTS, git
from tests.remedies.walk import commands

if TYPE_CHECKING:
    from generator.delivery.model import Offer
    from tests.delivery.workspace import Workspace

RUN = "20260103T000000Z"


@dataclass
class People:
    """Who merges, and the forge that they do it on; it tells what they did by the commit that it was about."""

    workspace: Workspace
    offers: list[Offer] = field(default_factory=list)
    states: dict[str, ProposalState] = field(default_factory=dict)

    def __call__(self, offer: Offer) -> Proposed:
        self.offers.append(offer)
        state = self.states.get(offer.commit, ProposalState.OPEN)
        page = f"https://git.example.com/{offer.target.part}/pulls/1"
        return Proposed(offer.target.part, offer.target.branch, offer.source, offer.commit, page, state)

    def push(self) -> tuple[list[str], list[str]]:
        """Deliver; return the parts that are there, and those that wait."""
        workspace = self.workspace
        run = workspace.state.unfinished_run() or RUN
        delivered, waits = deliver(
            workspace.targets, state=workspace.state, run_id=run, progress=workspace.heard.append, propose=self
        )
        return [one.part for one in delivered if one.changed], [one.part for one in waits]

    def merge(self, part: str, *how: str) -> None:
        """Merge the newest offer of a part in a clone, and push the branch as a forge does."""
        offer = next(one for one in reversed(self.offers) if one.target.part == part)
        clone = self.workspace.root / f"clone-{part}-{len(self.offers)}"
        git(self.workspace.root, "clone", "--quiet", str(self.workspace.remote(part)), str(clone))
        git(clone, "merge", "--quiet", *(how or ("--no-ff", "--no-edit")), f"origin/{offer.source}")
        if "--squash" in how:
            git(clone, "commit", "--quiet", "--message", "Squashed")
        git(clone, "push", "--quiet", "origin", "HEAD:main")
        self.states[offer.commit] = ProposalState.MERGED


@pytest.fixture
def people(delivered: Workspace) -> People:
    return People(delivered)


def test_argocd_is_proposed_when_the_others_are_merged(people: People) -> None:
    workspace = people.workspace
    before = workspace.remote_heads()
    assert people.push() == ([], ["infra", "apps"])
    # Asked again, it is the same: nothing is pushed twice, and nothing is on a branch that people did not merge.
    offered = [(one.source, one.commit) for one in people.offers]
    assert people.push() == ([], ["infra", "apps"])
    assert [(one.source, one.commit) for one in people.offers[2:]] == offered
    assert workspace.remote_heads() == before
    people.merge("infra")
    assert people.push() == (["infra"], ["apps"])
    assert {one.target.part for one in people.offers} == {"infra", "apps"}
    people.merge("apps", "--ff-only")
    assert people.push() == (["infra", "apps"], ["argocd"])
    assert people.offers[-1].subject
    people.merge("argocd", "--ff-only")
    assert people.push() == (list(PARTS), [])
    assert workspace.run_branches() == []
    assert workspace.state.unfinished_run() is None
    assert people.push() == ([], [])


def test_a_branch_that_is_not_there_yet_is_founded_by_a_push(workspace: Workspace) -> None:
    workspace.commit()
    assert People(workspace).push() == (list(PARTS), [])
    assert workspace.remote_heads() == workspace.heads()


def test_another_commit_takes_the_place_of_what_was_proposed(people: People) -> None:
    people.push()
    first = people.offers[0]
    people.workspace.edit("infra", "more.txt")
    people.workspace.commit()
    people.push()
    again = next(one for one in reversed(people.offers) if one.target.part == "infra")
    assert (again.source, again.commit != first.commit) == (first.source, True)
    shown = git(people.workspace.remote("infra"), "rev-parse", again.source)
    assert shown == again.commit


def test_a_request_that_people_closed_is_told_and_another_commit_opens_the_next(people: People) -> None:
    people.push()
    infra = people.offers[0]
    people.states[infra.commit] = ProposalState.CLOSED
    with pytest.raises(ConflictError, match="pulls/1 was closed, and its commits are not on main") as caught:
        people.push()
    (amend,) = commands(caught.value.fix or "")
    git(people.workspace.root, *shlex.split(amend)[1:], "--allow-empty", "--message", "Wanted otherwise")
    assert people.push() == ([], ["infra", "apps"])
    assert people.offers[-2].subject == "Wanted otherwise"


def test_a_squashed_request_is_taken_over_as_it_is_advised(people: People) -> None:
    workspace = people.workspace
    workspace.edit("infra", "more.txt")
    workspace.commit()
    people.push()
    people.merge("infra", "--squash")
    with pytest.raises(ConflictError, match="as other commits: somebody squashed or rebased them") as caught:
        people.push()
    (take,) = commands(caught.value.fix or "")
    files = git(workspace.targets[0].path, "ls-files")
    git(workspace.root, *shlex.split(take)[1:])
    assert git(workspace.targets[0].path, "ls-files") == files
    people.merge("apps")
    assert people.push() == (["apps"], ["argocd"])


def test_a_run_that_people_push_by_hand_in_the_end_is_done(people: People) -> None:
    """The direct mode goes on where the other one stopped, and cleans up after it."""
    people.push()
    workspace = people.workspace
    deliver(
        workspace.targets,
        state=workspace.state,
        run_id=workspace.state.unfinished_run() or "",
        progress=workspace.heard.append,
    )
    assert workspace.remote_heads() == workspace.heads()
    assert workspace.run_branches() == []
