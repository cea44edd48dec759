"""Delivery as the verbs use it: the leak gate over what is about to be published, then the push protocol."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.delivery.push import push
from generator.delivery.remote.ask import ask_all
from generator.delivery.state import StateFile
from generator.errors import ChecksError
from generator.pipeline.steps.gate import leaks_in_commits

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from generator.console import Console
    from generator.delivery.model import Delivered, Target
    from generator.delivery.remote.ask import RemoteBranches
    from generator.workspace import Workspace


def new_run_id(workspace: Workspace) -> str:
    """Return the id of the delivery that was not finished here, or a new one that names the time."""
    return StateFile(workspace.state).unfinished_run() or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def deliver(
    targets: Sequence[Target],
    workspace: Workspace,
    run_id: str,
    plaintexts: Collection[bytes],
    console: Console,
    remotes: Sequence[RemoteBranches] = (),
) -> tuple[Delivered, ...]:
    """Push repositories, unless a commit that would be published holds a secret.

    What would be published is what the remotes, asked in this command, do not have.

    Args:
        targets: The repositories, argocd last.
        workspace: Where the state of the delivery is kept.
        run_id: Id of this delivery.
        plaintexts: What must stand in no commit.
        console: Is told about progress.
        remotes: What the remotes answered earlier in the same command; they are asked where it is empty.

    Raises:
        ChecksError: A commit holds a secret; nothing was pushed.
        FmcError: A remote or a repository stands in the way; the same command goes on where this one stopped.
    """
    remotes = remotes or ask_all(targets)
    leaks = leaks_in_commits(targets, {answer.target: answer.tip for answer in remotes}, plaintexts)
    if leaks:
        raise ChecksError(
            "a commit that would be pushed holds a secret; nothing was pushed",
            leaks,
            fix="Take the secret out of the history (`git commit --amend`, `git rebase`), and replace it: it may have "
            "been read. Then run the same command again.",
        )
    return push(
        targets,
        state=StateFile(workspace.state),
        run_id=run_id,
        progress=lambda line: console.note(f"    {line}"),
        answers=remotes,
    )
