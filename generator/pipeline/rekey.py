"""`fmc keys rekey`: another sealing key, delivered in two commits, and the old one taken away when nothing needs it.

The vault notes the next key before anything names it, and forgets that it was the next one when all is delivered. So a
run that was killed is run again, and makes no second key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.delivery.local.committed import committed_elsewhere
from generator.delivery.local.history import contents_ever
from generator.errors import BadInputError
from generator.pipeline.push import push
from generator.pipeline.steps.deliver import Pushed
from generator.pipeline.steps.delivered import delivered_secrets
from generator.pipeline.steps.manifests import is_manifest, sealed_anywhere, sealed_here
from generator.pipeline.steps.own_changes import require_nothing_else
from generator.secrets.exposure import exposed_values
from generator.secrets.keyring import list_keys, needing
from generator.secrets.rekey import (
    begin_replacement,
    finish_replacement,
    is_loaded,
    let_catalogue_name,
    let_controller_load,
    pending_replacement,
    remove_what_a_kill_left,
    retire,
)
from generator.secrets.reseal import reseal
from generator.secrets.restarts import write_restarts
from generator.secrets.seal import GitState, seal_repository
from generator.secrets.sealing.key_names import CONTROLLER

if TYPE_CHECKING:
    from pathlib import Path

    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.steps.gate import Engine
    from generator.pipeline.steps.session import Session
    from generator.secrets.exposure import Exposed
    from generator.secrets.keyring import KeyRow
    from generator.secrets.rekey import Replacement
    from generator.secrets.reseal import Resealed
    from generator.secrets.vault.model import KeyRecord


@dataclass(frozen=True)
class RekeyReport:
    """How far a replacement has come.

    Attributes:
        key: Name of the key that is, or will be sealed to.
        fingerprint: Its fingerprint.
        namespace: Namespace of its Secret.
        sealed: Whether everything that fmc seals is sealed to it; otherwise the cluster has to get it first.
        restarts_itself: Whether the controller restarts by what is in Git; otherwise a person restarts it.
        old: Names of the keys that are there besides.
        own: Files with SealedSecrets of the user's own, which only an old key opens.
        exposed: Values that whoever has a compromised key knows.
        pushed: What the remotes have.
    """

    key: str
    fingerprint: str
    namespace: str
    sealed: bool
    restarts_itself: bool
    old: tuple[str, ...]
    own: tuple[str, ...]
    exposed: tuple[Exposed, ...]
    pushed: Pushed


def rekey(
    session: Session, author: Author | None, engine: Engine, console: Console, *, is_compromised: bool, is_there: bool
) -> RekeyReport:
    """Begin to replace the sealing key, or go on where that stopped.

    Args:
        session: The workspace.
        author: Who commits; None leaves it to git.
        engine: What validates the manifests.
        console: Is told about progress.
        is_compromised: Whether somebody else may have the key that is sealed to now.
        is_there: Whether the cluster has the next key, so that everything may be sealed to it.

    Raises:
        ChecksError: There are findings; nothing was pushed.
        DisputeError: Vault and Git hold values that don't follow each other; nothing was sealed.
        FmcError: A person's work or a remote stands in the way; the same command goes on.
    """
    store = session.store
    with session.workspace.locked():
        pending = pending_replacement(store)
        remove_what_a_kill_left(store.root)
        if pending is None or not pending.is_named:
            require_nothing_else(session.repositories.targets)
        if is_there and pending is None:
            return _report(session, restarts_itself=True, sealed=True, pushed=Pushed(()))
        with console.step("make the next sealing key"):
            replacement = begin_replacement(store, datetime.now(UTC), is_compromised=is_compromised)
        switching = replacement.is_named or is_there
        if switching and not replacement.is_named:
            _require_loaded(session, replacement)
        restarts_itself = let_controller_load(store.root, replacement.key.name)
        if switching:
            with console.step("seal everything to it"):
                let_catalogue_name(store.root, replacement.key.name)
                git = GitState(delivered=delivered_secrets(session.repositories.targets, store.root))
                seal_repository(store, session.supplied, datetime.now(UTC), git=git)
                write_restarts(store.root, session.repositories.folders.workloads)
    verb = "Seal to" if switching else "Let the controller load"
    pushed = push(session, author, engine, console, f"{verb} {replacement.key.name}")
    if switching and not pushed.proposed:
        with session.workspace.locked():
            # Where a person's work was beside it, nothing was committed.
            require_nothing_else(session.repositories.targets)
            finish_replacement(store)
    return _report(session, restarts_itself=restarts_itself, sealed=switching, pushed=pushed)


def keys(session: Session) -> tuple[KeyRow, ...]:
    """List the sealing keys, and what in Git needs each of them.

    Args:
        session: The workspace.

    Raises:
        FmcError: The vault can't be opened, or a repository can't be read.
    """
    return list_keys(session.store, sealed_anywhere(session.repositories.targets))


def retire_key(session: Session, name: str) -> KeyRecord:
    """Take a sealing key away that nothing in Git needs.

    Args:
        session: The workspace.
        name: Name of the key's Secret.

    Raises:
        FmcError: There is no such key, it is needed, or the vault can't be opened or written.
    """
    store = session.store
    with session.workspace.locked():
        vault = store.open(store.catalogue().cluster)
        needed = needing(vault, sealed_anywhere(session.repositories.targets)) if vault.sealing_key(name) else {}
        return retire(store, name, needed.get(name, ()), datetime.now(UTC))


def exposed(session: Session) -> tuple[Exposed, ...]:
    """Return the values that compromised sealing keys have sealed, and that nobody has replaced since.

    Args:
        session: The workspace.

    Raises:
        FmcError: The vault can't be opened, or a repository can't be read.
    """
    contents = (found for target in session.repositories.targets for found in contents_ever(target, is_manifest))
    return exposed_values(session.store, contents)


def reseal_files(session: Session, files: tuple[Path, ...]) -> tuple[Resealed, ...]:
    """Seal SealedSecrets of the user's own to the key in use; nothing is committed.

    Args:
        session: The workspace.
        files: Where they are; none for all that are found in the repositories.

    Raises:
        FmcError: A file can't be read or written, or the vault can't be opened.
    """
    with session.workspace.locked():
        return reseal(session.store, files or tuple(sealed_here(session.repositories.targets)))


def _require_loaded(session: Session, replacement: Replacement) -> None:
    """Refuse to seal to a key that the controller's delivered values don't name yet: nothing would have loaded it."""
    root = session.store.root
    target = next(target for target in session.repositories.targets if root.is_relative_to(target.path))
    path = (root / CONTROLLER).relative_to(target.path).as_posix()
    here = [(root / CONTROLLER).read_bytes()] if (root / CONTROLLER).is_file() else []
    snapshots = committed_elsewhere(target, path.__eq__)
    if not is_loaded([*here, *(content for each in snapshots for content in each.values())], replacement.key.name):
        raise BadInputError(
            f"the cluster can't have loaded {replacement.key.name} yet: what is delivered does not name it",
            where=str(root / CONTROLLER),
            fix="Run `fmc keys rekey`, and do what it says; then run the same command again.",
        )


def _report(session: Session, *, restarts_itself: bool, sealed: bool, pushed: Pushed) -> RekeyReport:
    rows = keys(session)
    catalogue = session.store.catalogue()
    vault = session.store.open(catalogue.cluster)
    key = next(row for row in rows if row.name == (vault.next_key or catalogue.key_name))
    others = [row for row in rows if row.name != key.name]
    return RekeyReport(
        key=key.name,
        fingerprint=key.fingerprint,
        namespace=catalogue.key_namespace,
        sealed=sealed,
        restarts_itself=restarts_itself,
        old=tuple(row.name for row in others),
        own=tuple(dict.fromkeys(place for row in others for place in row.needed_by)) if sealed else (),
        exposed=exposed(session),
        pushed=pushed,
    )
