"""Whether all remotes can take what is about to be made: asked before anything is rendered or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.delivery.git.failures import combined
from generator.delivery.git.messages import shown_url
from generator.delivery.git.parallel import each
from generator.delivery.remote.ask import ask_all
from generator.delivery.remote.holdings import Holdings, holdings_of_remote
from generator.errors import ConflictError
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.delivery.model import Target
    from generator.delivery.remote.ask import RemoteBranches


def remotes_ready(targets: Sequence[Target]) -> tuple[RemoteBranches, ...]:
    """Ask all remotes, and look into those that hold something without a repository on this disk.

    Raises:
        RemoteError: One is missing, unreachable, or refused us; the message tells all that did.
        ConflictError: One holds more than a forge's first files, and there is no local repository that they could
            belong to.
        BadInputError: A URL holds credentials.
    """
    answers = ask_all(targets)
    unknown = [answer.target for answer in answers if answer.tip is not None and not answer.target.path.exists()]
    holdings = each(holdings_of_remote, unknown)
    if conflicts := [_conflict(*one) for one in zip(unknown, holdings, strict=True) if one[1] != Holdings.STARTERS]:
        raise combined(conflicts)
    return answers


def _conflict(target: Target, holdings: Holdings) -> ConflictError:
    url = shown_url(target.url)
    if holdings is Holdings.RENDERED:
        return ConflictError(
            f"{url} has a branch {target.branch} with rendered files already, and {target.path} doesn't exist: a new "
            "repository would not contain its commits",
            where=url,
            fix=f"Clone it there, then run the same command again: {command('git', 'clone', url, str(target.path))}.",
        )
    return ConflictError(
        f"{url} has a branch {target.branch} that holds something else; it was not touched",
        where=url,
        fix="Make an empty repository beside it, and name that one in the answers: "
        f"`repositories: {{{target.part}: NAME}}`; then run the same command again.",
    )
