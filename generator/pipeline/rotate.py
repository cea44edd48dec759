"""`fmc rotate`: new values, sealed, with the revisions that their readers restart with, in one commit, and pushed.

The order makes a kill harmless at every point. What is going to be replaced is noted first; the vault is written
before anything that is sealed from it; what is in Git follows from the vault. The same command run again replaces what
the note still has as it was, and delivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.pipeline.push import push
from generator.pipeline.steps.deliver import Pushed
from generator.pipeline.steps.delivered import delivered_secrets
from generator.pipeline.steps.message import named
from generator.pipeline.steps.own_changes import require_nothing_else
from generator.pipeline.steps.rotation_note import forget_rotation, interrupted_rotation, note_rotation
from generator.secrets.restarts import restarts, write_restarts
from generator.secrets.rotate import Plan, PreparedKey, plan_rotation, prepare_keys
from generator.secrets.seal import GitState, seal_repository

if TYPE_CHECKING:
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.steps.gate import Engine
    from generator.pipeline.steps.session import Session
    from generator.secrets.restarts import Restart
    from generator.secrets.rotate import Readers
    from generator.secrets.seal import SealReport
    from generator.secrets.selection import Left, Order


@dataclass(frozen=True)
class RotateReport:
    """What a rotation did.

    Attributes:
        rotated: Values that have another plaintext now: `namespace/name`, and the name of the value.
        resumed: Whether an interrupted rotation was brought to its end.
        prepared: Keys that have to be made known outside, before they count.
        retired: Public halves that are known outside and count no more.
        left: What is left to people.
        playbooks: What has to be run, so that machines get what they need.
        restarts: Where pods have another revision to restart with.
        readers: Who reads each Secret that was replaced.
        pushed: What the remotes have; nothing where Git has nothing of what was replaced.
    """

    rotated: tuple[tuple[str, str], ...]
    resumed: bool
    prepared: tuple[PreparedKey, ...]
    retired: tuple[PreparedKey, ...]
    left: tuple[Left, ...]
    playbooks: tuple[str, ...]
    restarts: tuple[Restart, ...]
    readers: dict[str, Readers]
    pushed: Pushed


def lacking(session: Session, order: Order) -> tuple[tuple[str, str], ...]:
    """Return the values that somebody else issues, that the order names, and that nobody has given yet.

    Args:
        session: The workspace.
        order: What is to be replaced.

    Raises:
        FmcError: The order can't be followed, or the vault can't be opened.
    """
    return _plan(session, order).external


def rotate(session: Session, order: Order, author: Author | None, engine: Engine, console: Console) -> RotateReport:
    """Replace values, and deliver what follows from that.

    Args:
        session: The workspace.
        order: What is to be replaced.
        author: Who commits; None leaves it to git.
        engine: What validates the manifests.
        console: Is told about progress.

    Raises:
        ChecksError: There are findings; nothing was pushed.
        DisputeError: Vault and Git hold values that don't follow each other; nothing was replaced.
        FmcError: The order can't be followed, or a remote stands in the way; the same command goes on.
    """
    workspace, store = session.workspace, session.store
    with workspace.locked():
        interrupted = interrupted_rotation(workspace, order.text())
        plan = _plan(session, order)
        _require_given(plan)
        if not plan.before:
            prepared = prepare_keys(store, plan.prepared, datetime.now(UTC)) if plan.prepared else ()
            return RotateReport((), False, prepared, (), plan.left, (), (), {}, Pushed(()))
        if interrupted is None:
            require_nothing_else(session.repositories.targets)
            note_rotation(workspace, order.text(), plan.before)
        with console.step("replace and seal the secrets"):
            git = GitState(delivered=delivered_secrets(session.repositories.targets, store.root))
            sealed = seal_repository(store, session.supplied, datetime.now(UTC), git=git, renewed=plan.renewed)
            write_restarts(store.root, session.repositories.folders.workloads)
        prepared = prepare_keys(store, plan.prepared, datetime.now(UTC)) if plan.prepared else ()
    names = list(dict.fromkeys(secret for secret, _ in plan.before))
    pushed = Pushed(())
    if any(secret.id in names for secret in store.catalogue().secrets):
        pushed = push(session, author, engine, console, named("Rotate", names, " "))
    else:
        forget_rotation(workspace)
    return RotateReport(
        tuple(plan.before),
        interrupted is not None,
        prepared,
        _retired(plan, sealed) if order.registered else (),
        plan.left,
        plan.playbooks,
        tuple(found for found in restarts(session.repositories.folders.workloads) if found.secret in names),
        dict(plan.readers),
        pushed,
    )


def _plan(session: Session, order: Order) -> Plan:
    interrupted = interrupted_rotation(session.workspace, order.text())
    return plan_rotation(session.store, order, session.supplied, datetime.now(UTC), interrupted)


def _require_given(plan: Plan) -> None:
    """Refuse what only somebody else can issue, before anything is replaced."""
    if not plan.external:
        return
    secret, name = plan.external[0]
    raise BadInputError(
        f"{name} of {secret} is issued by somebody else, and no new one was given",
        where=secret,
        fix="Issue another one there, and leave the old one valid. Then type it, pipe it into "
        f"`fmc rotate {secret}:{name}`, or set the variable that the catalogue names; revoke the old one when Argo CD "
        "has delivered.",
    )


def _retired(plan: Plan, sealed: SealReport) -> tuple[PreparedKey, ...]:
    """Return the public halves that counted before those that were registered."""
    return tuple(
        PreparedKey(secret, name, versions[0].public["public"])
        for secret, name in plan.before
        if (versions := sealed.vault.history.get(secret, {}).get(name))
    )
