"""`fmc check`: everything that can be known about rendered repositories before a cluster sees them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import ChecksError, VaultError
from generator.findings import Finding, Severity
from generator.workspace import find_repositories, part_trees

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from generator.answers.load import LoadedAnswers
    from generator.checks.run import Report
    from generator.console import Console
    from generator.delivery.model import Target
    from generator.secrets.vault.model import Vault
    from generator.workspace import Repositories, Workspace


@dataclass(frozen=True)
class Engine:
    """What validates the manifests.

    Attributes:
        name: auto, builtin or kubeconform.
        kubeconform: The program; None looks for it on PATH and among fmc's tools.
    """

    name: str = "auto"
    kubeconform: Path | None = None


def check_answers(path: Path, overrides: Mapping[str, str], console: Console) -> LoadedAnswers:
    """Check an answers file.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
        BadInputError: The file can't be used at all.
    """
    from generator.answers.load import load
    from generator.template.source import template_root

    with console.step("check the answers"):
        return load(path, template_root(), overrides)


def check(start: Path, engine: Engine, identity: Path | None, console: Console) -> tuple[Repositories, Report]:
    """Check the repositories of a workspace: files, manifests, secrets, and the commits that a push would publish.

    Args:
        start: The workspace, or a folder in it.
        engine: What validates the manifests.
        identity: The operator's age identity; None for the usual place. Where none opens the vault, the search for
            leaks knows patterns alone, and a finding says so.
        console: Is told about progress.

    Returns:
        The repositories, and what was found.

    Raises:
        FmcError: The workspace can't be checked at all.
    """
    from generator.pipeline.steps.supplied import take_supplied_values
    from generator.secrets.vault.needles import needles
    from generator.secrets.verifying.with_vault import verify_with_vault
    from generator.template.source import template_root

    take_supplied_values()
    with console.step("read the recorded answers"):
        repositories = find_repositories(start, template_root())
    vault, findings = usable_vault(repositories.workspace, repositories.loaded.answers.name, identity)
    plaintexts = needles(vault) if vault else ()
    with console.step("check the files"):
        report = check_repositories(repositories.paths, repositories.loaded, engine, plaintexts)
        argocd = repositories.trees.get("argocd")
        if vault and argocd:
            findings += in_folder(argocd, verify_with_vault(argocd, vault, datetime.now(UTC)))
    with console.step("check the commits that are not pushed yet"):
        findings += leaks_in_commits(repositories.targets, plaintexts)
    return repositories, replace(report, findings=(*report.findings, *findings))


def check_repositories(
    paths: Mapping[str, Path], loaded: LoadedAnswers, engine: Engine, plaintexts: Collection[bytes]
) -> Report:
    """Check rendered repositories, committed or not.

    Args:
        paths: Folder of each repository, by its layout.
        loaded: The answers that they were rendered from.
        engine: What validates the manifests.
        plaintexts: What must stand in none of the files.
    """
    from generator.checks.run import check_trees

    trees = part_trees(paths)
    report = check_trees(
        {**paths, **trees},
        kubernetes_version=loaded.plan.k3s.version,
        engine=engine.name,
        kubeconform=engine.kubeconform,
        plaintexts=plaintexts,
    )
    if "argocd" not in trees:
        return report
    from generator.secrets.verifying.without_vault import verify_manifests

    secrets = verify_manifests(trees["argocd"])
    return replace(report, findings=(*report.findings, *in_folder(trees["argocd"], secrets)))


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


def usable_vault(workspace: Workspace, cluster: str, identity: Path | None) -> tuple[Vault | None, list[Finding]]:
    """Open the vault if that is possible here; a pipeline or a contributor has none.

    Args:
        workspace: Where the vault lies.
        cluster: Name of the cluster.
        identity: The operator's age identity; None for the usual place.

    Returns:
        The vault, and a warning where it is there but can't be opened.
    """
    from generator.secrets.vault.file import open_vault
    from generator.secrets.vault.identities import identity_path

    if not workspace.vault.exists():
        return None, []
    try:
        return open_vault(workspace.vault, identity_path(identity, os.environ), cluster=cluster), []
    except VaultError as error:
        message = f"the vault can't be opened, so that leaks are searched by their patterns alone: {error.message}"
        file, severity = workspace.vault.name, Severity.WARNING
        return None, [Finding(file, 0, "secrets/vault-closed", message, fix=error.fix or "", severity=severity)]


def leaks_in_commits(targets: Iterable[Target], plaintexts: Collection[bytes]) -> list[Finding]:
    """Search the commits that the remotes do not have, as far as is known here, for secrets.

    Args:
        targets: The repositories; those without a commit are passed over.
        plaintexts: What must stand in none of them.
    """
    from generator.checks.rules.leaks import scan
    from generator.delivery.local.outgoing import known_tip, outgoing_blobs

    findings = []
    for target in targets:
        if (target.path / ".git").exists():
            blobs = outgoing_blobs(target.path, known_tip(target))
            findings += scan(((f"{target.part}/{name}", content) for name, content in blobs), plaintexts)
    return findings


def in_folder(folder: Path, findings: Iterable[Finding]) -> list[Finding]:
    """Name the files of findings as all checks do: by their repository part's folder and the place within.

    Args:
        folder: Folder of the part.
        findings: Findings whose files are relative to it.
    """
    return [replace(found, file=f"{folder.name}/{found.file}" if found.file else folder.name) for found in findings]
