"""Delivery as the verbs use it: the push protocol, for what has passed the gate."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.delivery.push import deliver as bring
from generator.delivery.state import StateFile
from generator.pipeline.steps.rotation_note import forget_rotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.console import Console
    from generator.delivery.model import Delivered, Propose, Proposed
    from generator.delivery.remote.ask import RemoteBranches
    from generator.pipeline.steps.gate import Passed
    from generator.workspace import Workspace


@dataclass(frozen=True)
class Pushed:
    """What the remotes have.

    Attributes:
        delivered: The repositories whose remotes have the commit.
        proposed: Those whose commit people are asked to merge.
    """

    delivered: tuple[Delivered, ...]
    proposed: tuple[Proposed, ...] = ()


def new_run_id(workspace: Workspace) -> str:
    """Return the id of the delivery that was not finished here, or a new one that names the time."""
    return StateFile(workspace.state).unfinished_run() or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def deliver(
    passed: Passed,
    workspace: Workspace,
    run_id: str,
    console: Console,
    remotes: Sequence[RemoteBranches],
    propose: Propose | None = None,
) -> Pushed:
    """Push repositories.

    Args:
        passed: The repositories that have passed the gate, argocd last.
        workspace: Where the state of the delivery is kept.
        run_id: Id of this delivery.
        console: Is told about progress.
        remotes: What the remotes answered in this command; what they do not have went through the gate.
        propose: Opens pull requests; None moves the branches forward.

    Raises:
        FmcError: A remote or a repository stands in the way; the same command goes on where this one stopped.
    """
    delivered, proposed = bring(
        passed.targets,
        state=StateFile(workspace.state),
        run_id=run_id,
        progress=lambda line: console.note(f"    {line}"),
        answers=remotes,
        propose=propose,
    )
    if not proposed:
        forget_rotation(workspace)
    return Pushed(delivered, proposed)
