"""`fmc status`: what is due in a workspace, and whether the remotes have everything; nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.findings import Finding, Severity
from generator.pipeline.steps.gate import in_folder, usable_vault
from generator.pipeline.steps.outgoing import states
from generator.secrets.catalogue.model import MACHINES

if TYPE_CHECKING:
    from pathlib import Path

    from generator.console import Console
    from generator.pipeline.steps.remote_state import RemoteState
    from generator.pipeline.steps.session import Session
    from generator.secrets.listing import SecretRow
    from generator.secrets.vault.model import Vault

_OF_DATES = ("secrets/due", "secrets/certificate-ends")
PENDING = "secrets/pending"


@dataclass(frozen=True)
class Due:
    """One thing that has a date.

    Attributes:
        what: A value of a secret, `namespace/name: value`; the sealing certificate, a backup, or a drill.
        last: When it was made or done, UTC; None where it was not.
        due: When the next one is due, UTC; None for a value that nobody has supplied yet: now.
    """

    what: str
    last: datetime | None
    due: datetime | None


@dataclass(frozen=True)
class Status:
    """What there is to know of a workspace from day to day.

    Attributes:
        root: The workspace.
        repositories: Each repository and its remote, in the order of delivery.
        dates: What is due, the first one first.
        findings: What a person has to do.
    """

    root: Path
    repositories: tuple[RemoteState, ...]
    dates: tuple[Due, ...]
    findings: tuple[Finding, ...]


def status(session: Session, console: Console) -> Status:
    """Ask the remotes, and look at the dates of secrets, certificates, backups and drills.

    Without a vault that can be opened there are the dates that the repository alone shows.

    Args:
        session: The workspace.
        console: Is told about progress.

    Raises:
        FmcError: A repository or the catalogue can't be read.
    """
    from generator.delivery.state import StateFile
    from generator.pipeline.steps.remote_state import remote_states

    repositories, workspace, now = session.repositories, session.workspace, datetime.now(UTC)
    targets = repositories.targets
    with console.step("ask the remotes"):
        remotes = remote_states(targets, StateFile(workspace.state).read())
    # What is wrong with a repository itself, the comparison with its remote has said already.
    findings = [found for found in states(targets, Severity.ERROR)[0] if found.rule == "delivery/uncommitted"]
    findings += (remote.finding for remote in remotes if remote.finding)
    vault, notes = usable_vault(workspace, repositories.loaded.answers.name, session.identity)
    findings += notes
    dates: list[Due] = []
    with console.step("look at what is due"):
        if vault:
            dates += _upkeep(session, vault, now, findings)
        if "argocd" in repositories.folders.parts:
            dates += _secrets(session, vault, now, findings)
    dates.sort(key=lambda one: (one.due is not None, one.due or now, one.what))
    return Status(workspace.root, tuple(remotes), tuple(dates), tuple(findings))


def _upkeep(session: Session, vault: Vault, now: datetime, findings: list[Finding]) -> list[Due]:
    from generator.backup.due import reminders, upkeep

    note, since = session.workspace.note, vault.sealing_keys[0].created
    findings += reminders(note, since, now)
    return [Due(one.name, one.last, one.due) for one in upkeep(note, since)]


def _secrets(session: Session, vault: Vault | None, now: datetime, findings: list[Finding]) -> list[Due]:
    from generator.secrets.listing import State, list_secrets
    from generator.secrets.verify import sealing_certificate_end, verify_secrets

    root = session.store.root
    of_dates = (found for found in verify_secrets(root, vault, now) if found.rule in _OF_DATES)
    findings += in_folder(root, of_dates)
    dates = []
    if end := sealing_certificate_end(root):
        dates.append(Due("sealing certificate", None, end))
    for row in list_secrets(session.store, now) if vault else ():
        what = f"{row.id}: {row.value}"
        if row.state is State.PENDING:
            findings.append(_pending(row))
        if row.due_at or row.state is State.PENDING:
            dates.append(Due(what, row.made_at, row.due_at if row.state is not State.PENDING else None))
    return dates


def _pending(row: SecretRow) -> Finding:
    what, command = f"{row.id}: {row.value}", f"`fmc secret set {row.id} {row.value}`"
    # What machines read, playbooks take from the vault: it is sealed nowhere.
    fix = f"Run {command}." if row.id.startswith(f"{MACHINES}/") else f"Run {command}, then `fmc seal`."
    message = f"nobody has supplied {what}"
    return Finding("", 0, PENDING, message, path=what, fix=fix, severity=Severity.WARNING)
