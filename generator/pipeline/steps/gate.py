"""The gate: what stands between a tree and a remote; `fmc check`, `fmc push`, `fmc new` and CI call it alike.

What it calls an error none of them lets through. It looks at the files as they lie there, and at the commits that a
push would publish; where those are not the same, the commits are checked out and judged as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.errors import ChecksError, NoIdentityError, VaultError
from generator.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping
    from pathlib import Path

    from generator.answers.load import LoadedAnswers
    from generator.checks.expected import Expected
    from generator.checks.run import Report
    from generator.delivery.model import Target
    from generator.pipeline.steps.session import Session
    from generator.secrets.vault.model import Vault
    from generator.workspace import Folders, Workspace


_OUT = (
    "Take it out of the history (`git commit --amend`, `git rebase`), and make a new one wherever it was used: it may "
    "have been read."
)


@dataclass(frozen=True)
class Engine:
    """What validates the manifests.

    Attributes:
        name: auto, builtin or kubeconform.
        kubeconform: The program; None looks for it on PATH and among fmc's tools.
    """

    name: str = "auto"
    kubeconform: Path | None = None


@dataclass(frozen=True)
class Candidate:
    """What is judged.

    Attributes:
        folders: Where the repositories lie.
        recorded: The answers that they were rendered from, by layout; the last one counts for all.
        vault: The vault, where it can be opened.
        plaintexts: What must stand in no file and no commit.
        targets: What is going to be delivered; nothing for trees that are not committed yet.
        tips: Where the branches of their remotes are; a remote without one has nothing.
        delivers: Whether somebody delivers from here; else a repository that can't be pushed is worth a warning alone,
            such as the detached commit that a pipeline checks out.
        notes: What was found on the way here.
    """

    folders: Folders
    recorded: Mapping[str, LoadedAnswers]
    vault: Vault | None = None
    plaintexts: Collection[bytes] = ()
    targets: tuple[Target, ...] = ()
    tips: Mapping[Target, str | None] = field(default_factory=dict)
    delivers: bool = True
    notes: tuple[Finding, ...] = ()

    @property
    def loaded(self) -> LoadedAnswers:
        """The answers that count."""
        return list(self.recorded.values())[-1]


@dataclass(frozen=True)
class Passed:
    """The proof that targets have passed the gate: nothing is delivered without it.

    Attributes:
        targets: What may be delivered.
        plaintexts: What was looked for.
        report: What was found; no error.
    """

    targets: tuple[Target, ...]
    plaintexts: Collection[bytes]
    report: Report


def candidate_of(session: Session) -> Candidate:
    """Return a session's repositories as the gate wants them; the vault is opened where that is possible."""
    from generator.backup.due import reminders
    from generator.delivery.local.outgoing import believed_tips
    from generator.delivery.state import StateFile
    from generator.secrets.vault.needles import needles

    repositories, workspace = session.repositories, session.workspace
    vault, notes = usable_vault(workspace, repositories.loaded.answers.name, session.identity)
    if vault:
        notes += reminders(workspace.note, vault.sealing_keys[0].created, datetime.now(UTC))
    return Candidate(
        repositories.folders,
        repositories.recorded,
        vault,
        needles(vault) if vault else (),
        repositories.targets,
        believed_tips(repositories.targets, StateFile(workspace.state).read()),
        delivers=workspace.vault.exists() or workspace.state.exists(),
        notes=tuple(notes),
    )


def judge(candidate: Candidate, engine: Engine) -> Report:
    """Return everything that is wrong: with files, manifests, secrets and answers, and with what a push would publish.

    Raises:
        FmcError: It can't be judged at all.
    """
    report = judge_folders(candidate, engine)
    return judge_commits(candidate, engine, report) if candidate.targets else report


def judge_folders(candidate: Candidate, engine: Engine) -> Report:
    """Return what is wrong with the files as they lie there: the first half of what `judge` does.

    Raises:
        FmcError: They can't be judged at all.
    """
    return _judge_folders(candidate, candidate.folders, engine)


def judge_commits(candidate: Candidate, engine: Engine, report: Report) -> Report:
    """Add to the verdict on the files what is wrong with the commits that a push would publish.

    Args:
        candidate: What is judged.
        engine: What validates the manifests.
        report: The verdict on the files as they lie there.
    """
    from generator.pipeline.steps.outgoing import checked_out, states

    findings, differing = states(candidate.targets, Severity.ERROR if candidate.delivers else Severity.WARNING)
    findings += leaks_in_commits(candidate.targets, candidate.tips, candidate.plaintexts, report.clean)
    with checked_out(candidate.targets, candidate.folders, differing) as folders:
        if folders is not None:
            known = set(report.findings)
            others = [item for item in _judge_folders(candidate, folders, engine).findings if item not in known]
            findings += (_of_the_commit(item) for item in others)
    return replace(report, findings=(*report.findings, *findings))


def require(candidate: Candidate, report: Report) -> Passed:
    """Let nothing go on that has an error among its findings.

    Raises:
        ChecksError: There are errors.
    """
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    if errors:
        count = "1 error was" if errors == 1 else f"{errors} errors were"
        raise ChecksError(
            f"{count} found in the repositories", report.findings, fix="Correct them, then run the same command again."
        )
    return Passed(candidate.targets, candidate.plaintexts, report)


def _judge_folders(candidate: Candidate, folders: Folders, engine: Engine) -> Report:
    from generator.answers.parts import compare
    from generator.checks.run import check_trees

    loaded = candidate.loaded
    report = check_trees(
        {**folders.repositories, **folders.parts},
        kubernetes_version=loaded.plan.k3s.version,
        engine=engine.name,
        kubeconform=engine.kubeconform,
        plaintexts=candidate.plaintexts,
        expected=expected_of(loaded),
    )
    findings = [*candidate.notes, *report.findings, *compare(candidate.recorded)]
    if argocd := folders.parts.get("argocd"):
        from generator.pipeline.steps.delivered import delivered_secrets
        from generator.secrets.restarts import verify_restarts
        from generator.secrets.verify import verify_secrets

        findings += verify_restarts(argocd, folders.workloads)
        delivered = delivered_secrets(candidate.targets, argocd)
        findings += in_folder(argocd, verify_secrets(argocd, candidate.vault, datetime.now(UTC), delivered))
    return replace(report, findings=tuple(findings))


def expected_of(loaded: LoadedAnswers) -> Expected:
    """Return what the checks compare the trees with; the plan as infra/plan.json has it."""
    from generator.checks.expected import Expected

    recorded = ("name", "domain", "timezone", "ssh_public_key")
    # A cluster that is there already has nobody's key.
    cluster = {name: loaded.data[name] for name in recorded if name in loaded.data}
    return Expected({"cluster": cluster, **loaded.plan_data}, loaded.answers.domain)


def usable_vault(workspace: Workspace, cluster: str, identity: Path) -> tuple[Vault | None, list[Finding]]:
    """Open the vault if that is possible here; a pipeline or a contributor has none.

    Args:
        workspace: Where the vault lies.
        cluster: Name of the cluster.
        identity: The operator's age identity.

    Returns:
        The vault, or what is wrong with it; a warning where it is only somebody else who could open it.
    """
    from generator.secrets.vault.file import open_vault

    if not workspace.vault.exists():
        return None, []
    file = workspace.vault.name
    try:
        return open_vault(workspace.vault, identity, cluster=cluster), []
    except NoIdentityError as error:
        message = f"the vault can't be opened, so that leaks are searched by their patterns alone: {error.message}"
        fix, severity = error.fix or "", Severity.WARNING
        return None, [Finding(file, 0, "secrets/vault-closed", message, fix=fix, severity=severity)]
    except VaultError as error:
        return None, [Finding(file, 0, "secrets/vault", error.message, fix=error.fix or "")]


def leaks_in_commits(
    targets: Iterable[Target],
    tips: Mapping[Target, str | None],
    plaintexts: Collection[bytes],
    clean: Container[bytes] = frozenset(),
) -> list[Finding]:
    """Search the commits that the remotes do not have for secrets.

    Args:
        targets: The repositories; those without a commit are passed over.
        tips: Where the remotes' branches are; a remote without one has nothing.
        plaintexts: What must stand in none of them.
        clean: Digests of contents that were searched for the same already; of them the names alone are searched.
    """
    from generator.checks.rules.leaks import digest, scan
    from generator.delivery.local.outgoing import outgoing_blobs

    leaks: list[Finding] = []
    for target in targets:
        if (target.path / ".git").exists():
            blobs = outgoing_blobs(target.path, tips.get(target))
            unseen = ((name, b"" if digest(content) in clean else content) for name, content in blobs)
            leaks += scan(((f"{target.part}/{name}", content) for name, content in unseen), plaintexts)
    return [replace(leak, message=f"{leak.message}, and a push would publish it", fix=_OUT) for leak in leaks]


def _of_the_commit(finding: Finding) -> Finding:
    from generator.secrets.verify import MISSING

    message = f"{finding.message}, in the commit that a push would publish"
    if finding.rule == MISSING:
        # It lies there: the cluster would do without what somebody has sealed.
        fix = "Commit it; where git ignores it, run `git add --force` for it first."
        return replace(finding, message=message, fix=fix, severity=Severity.ERROR)
    return replace(finding, message=message, fix=f"{finding.fix} Commit what you have corrected.".lstrip())


def in_folder(folder: Path, findings: Iterable[Finding]) -> list[Finding]:
    """Name the files of findings as all checks do: by their repository part's folder and the place within.

    Args:
        folder: Folder of the part.
        findings: Findings whose files are relative to it.
    """
    return [replace(found, file=f"{folder.name}/{found.file}" if found.file else folder.name) for found in findings]
