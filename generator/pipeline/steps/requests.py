"""Pull requests: found or opened by the forge's API, or, without a token, the page where a person opens one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from generator.delivery.model import ProposalState, Proposed
from generator.delivery.remote.ask import ask
from generator.errors import BadInputError
from generator.forges.model import Kind, Proposal, State
from generator.pipeline.steps.forge import by_request, forge_settings, given_token
from generator.template.source import template_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.answers.load import LoadedAnswers
    from generator.delivery.model import Offer
    from generator.forges.locate import Settings
    from generator.forges.model import PullRequest

_PAGES = "templates/apps/ci/writeback/forge.py"
_TEXT = (
    "Made by `fmc push`, which goes on when this is merged: the repository that Argo CD follows comes last.\n\n"
    "A merge commit or a fast-forward keeps this commit; after a squash `fmc push` says how to take that over."
)


def requests_for(loaded: LoadedAnswers, mode: str | None = None) -> Requests | None:
    """Return what opens pull requests, where this is how changes are to get to the branch.

    Args:
        loaded: The answers.
        mode: direct or pull-request; None takes what the answers say.
    """
    wanted = mode == "pull-request" if mode else by_request(loaded)
    return Requests(forge_settings(loaded), given_token()) if wanted else None


class Requests:
    """The pull requests of a run.

    Attributes:
        settings: What the answers say of the forge.
        token: Who opens them; "" leaves that to people.
    """

    def __init__(self, settings: Settings, token: str) -> None:
        self.settings = settings
        self.token = token
        self._offers: list[Offer] = []

    def __call__(self, offer: Offer) -> Proposed:
        """Find or open the pull request of an offer.

        Raises:
            BadInputError: The remote has no pull requests.
            RemoteError: The forge can't be asked, or refused.
        """
        from generator.forges.locate import kind_of

        self._offers.append(offer)
        target = offer.target
        page, state = "", ProposalState.OPEN
        if self.token:
            request = self._request(offer)
            page, state = request.page, ProposalState(request.state)
        elif kind_of(target.url, self.settings) is not Kind.FOLDER:
            page = _address_of_request()(target.url, target.branch, offer.source)
        else:
            raise _no_requests(target.url)
        return Proposed(target.part, target.branch, offer.source, offer.commit, page, state)

    def moved(self) -> bool:
        """Return whether people have done something with one of them.

        Raises:
            RemoteError: The forge can't be asked, or refused.
        """
        return any(
            ask(offer.target).tip != offer.onto or (self.token and self._request(offer).state is not State.OPEN)
            for offer in self._offers
        )

    def _request(self, offer: Offer) -> PullRequest:
        from generator.forges.locate import locate_with_requests

        target = offer.target
        found = locate_with_requests(target.url, self.settings, self.token)
        if found is None:
            raise _no_requests(target.url)
        forge, path = found
        proposal = Proposal(offer.source, target.branch, offer.subject, _TEXT)
        request = forge.request(path, proposal)
        # One that has ended was about what its branch had then.
        if request is None or (request.state is not State.OPEN and request.commit != offer.commit):
            return forge.open_request(path, proposal)
        return request


def _no_requests(url: str) -> BadInputError:
    return BadInputError(
        f"{url} is a folder, and nobody opens a pull request there",
        where=url,
        fix="Push to the branch itself: `fmc push --mode direct`.",
    )


@cache
def _address_of_request() -> Callable[[str, str, str], str]:
    """Return what pipelines use as well; it lies in the template, since they run it without fmc."""
    import runpy

    found: Callable[[str, str, str], str] = runpy.run_path(str(template_root() / _PAGES))["address_of_request"]
    return found
