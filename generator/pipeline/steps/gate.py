"""The checks that stand between a tree and a remote: `fmc check`, `fmc push` and `fmc new` all go through them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from generator.errors import ChecksError, VaultError
from generator.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from generator.answers.load import LoadedAnswers
    from generator.checks.run import Report
    from generator.delivery.model import Target
    from generator.secrets.vault.model import Vault
    from generator.workspace import Folders, Workspace


@dataclass(frozen=True)
class Engine:
    """What validates the manifests.

    Attributes:
        name: auto, builtin or kubeconform.
        kubeconform: The program; None looks for it on PATH and among fmc's tools.
    """

    name: str = "auto"
    kubeconform: Path | None = None


def check_repositories(
    folders: Folders, loaded: LoadedAnswers, engine: Engine, plaintexts: Collection[bytes]
) -> Report:
    """Check rendered repositories, committed or not.

    Args:
        folders: The repositories.
        loaded: The answers that they were rendered from.
        engine: What validates the manifests.
        plaintexts: What must stand in none of the files.
    """
    from generator.checks.expected import Expected
    from generator.checks.run import check_trees

    parts = folders.parts
    report = check_trees(
        {**folders.repositories, **parts},
        kubernetes_version=loaded.plan.k3s.version,
        engine=engine.name,
        kubeconform=engine.kubeconform,
        plaintexts=plaintexts,
        expected=Expected(asdict(loaded.plan)),
    )
    if "argocd" not in parts:
        return report
    from generator.secrets.verifying.without_vault import verify_manifests

    secrets = verify_manifests(parts["argocd"])
    return replace(report, findings=(*report.findings, *in_folder(parts["argocd"], secrets)))


def require_clean(report: Report) -> None:
    """Let nothing go on that has an error among its findings.

    Raises:
        ChecksError: There are errors.
    """
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if errors:
        count = "1 error was" if len(errors) == 1 else f"{len(errors)} errors were"
        raise ChecksError(
            f"{count} found in the repositories", report.findings, fix="Correct them, then run the same command again."
        )


def usable_vault(workspace: Workspace, cluster: str, identity: Path) -> tuple[Vault | None, list[Finding]]:
    """Open the vault if that is possible here; a pipeline or a contributor has none.

    Args:
        workspace: Where the vault lies.
        cluster: Name of the cluster.
        identity: The operator's age identity.

    Returns:
        The vault, and a warning where it is there but can't be opened.
    """
    from generator.secrets.vault.file import open_vault

    if not workspace.vault.exists():
        return None, []
    try:
        return open_vault(workspace.vault, identity, cluster=cluster), []
    except VaultError as error:
        message = f"the vault can't be opened, so that leaks are searched by their patterns alone: {error.message}"
        file, severity = workspace.vault.name, Severity.WARNING
        return None, [Finding(file, 0, "secrets/vault-closed", message, fix=error.fix or "", severity=severity)]


def leaks_in_commits(
    targets: Iterable[Target], tips: Mapping[Target, str | None], plaintexts: Collection[bytes]
) -> list[Finding]:
    """Search the commits that the remotes do not have for secrets.

    Args:
        targets: The repositories; those without a commit are passed over.
        tips: Where the remotes' branches are; a remote without one has nothing.
        plaintexts: What must stand in none of them.
    """
    from generator.checks.rules.leaks import scan
    from generator.delivery.local.outgoing import outgoing_blobs

    findings = []
    for target in targets:
        if (target.path / ".git").exists():
            blobs = outgoing_blobs(target.path, tips.get(target))
            findings += scan(((f"{target.part}/{name}", content) for name, content in blobs), plaintexts)
    return findings


def in_folder(folder: Path, findings: Iterable[Finding]) -> list[Finding]:
    """Name the files of findings as all checks do: by their repository part's folder and the place within.

    Args:
        folder: Folder of the part.
        findings: Findings whose files are relative to it.
    """
    return [replace(found, file=f"{folder.name}/{found.file}" if found.file else folder.name) for found in findings]
