"""What `fmc new` shows: the plan before it writes, and what it did afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.console import Console
    from generator.pipeline.new import NewReport, Overview

_SHORT = 12


def overview(plan: Overview, console: Console) -> None:
    """Show what is about to be made: repositories, machines, addresses and secrets."""
    from generator.pipeline.preview import secrets_to_make

    networks = {network.key: network for network in plan.loaded.plan.networks}
    console.table(
        "Repositories",
        ("part", "folder", "remote", "branch"),
        [(target.part, _shown(target.path), target.url, target.branch) for target in plan.targets],
    )
    console.table(
        "Networks",
        ("network", "name", "addresses", "kind"),
        [(network.key, network.name, network.cidr, network.mode) for network in networks.values()],
    )
    console.table(
        "Machines",
        ("name", "role", "address", "CPUs", "memory", "disks"),
        [
            (
                node.name,
                node.role,
                f"{node.address}/{networks[node.network].prefix}",
                str(node.cpus),
                f"{node.memory_mib} MiB",
                " + ".join(f"{size} GiB" for size in (node.disk_gib, node.data_disk_gib) if size),
            )
            for node in plan.loaded.plan.nodes
        ],
    )
    console.table(
        "Addresses",
        ("what", "name", "address"),
        [
            ("Kubernetes API", plan.loaded.plan.api.host, plan.loaded.plan.api.address),
            ("ingress", plan.loaded.plan.ingress.host, plan.loaded.plan.ingress.address),
            *(("DNS and time", "", address) for address in plan.loaded.plan.dns),
        ],
    )
    console.table("Secrets", ("secret", "what for"), secrets_to_make(plan))
    console.findings(plan.loaded.warnings)


def summary(report: NewReport, console: Console) -> None:
    """Show what was rendered, sealed, checked and pushed, how long each step took, and the next command."""
    if console.json_output:
        console.document(_document(report, console))
        return
    console.table("Repositories", ("part", "files", "commit", "folder", "remote"), _repositories(report))
    if report.sealed:
        sealed = report.sealed
        console.table(
            "Secrets",
            ("made", "sealed anew", "unchanged", "pending"),
            [tuple(str(len(part)) for part in (sealed.made, sealed.changed, sealed.kept, sealed.pending))],
        )
    checked = report.checked
    console.result(f"Checked {checked.files} files, {checked.documents} manifests ({checked.engine}): no error.\n")
    console.table("Time", ("step", "seconds"), [(timing.step, f"{timing.seconds:.2f}") for timing in console.timings])
    console.findings([*report.loaded.warnings, *checked.findings, *(report.sealed.warnings() if report.sealed else ())])
    for line in _advice(report):
        console.result(line)


def _repositories(report: NewReport) -> Iterator[tuple[str, ...]]:
    delivered = {part.part: part for part in report.delivered}
    for commit in report.commits:
        remote = "not pushed"
        if part := delivered.get(commit.part):
            remote = f"{part.url} {part.branch} at {part.remote_sha[:_SHORT]}" + ("" if part.changed else " already")
        yield (
            commit.part,
            str(report.files[commit.part]),
            commit.sha[:_SHORT] + ("" if commit.changed else " (no change)"),
            _shown(report.workspace.root / _folder(report, commit.part)),
            remote,
        )


def _folder(report: NewReport, part: str) -> str:
    return next(target.path.name for target in report.workspace.targets(report.loaded) if target.part == part)


def _advice(report: NewReport) -> Iterator[str]:
    if not report.changed:
        yield "No change: the repositories are what these answers and this vault give."
    if report.sealed and report.sealed.identity_created:
        yield f"Your age identity is new: {report.sealed.identity_created}. It opens the vault; keep a copy elsewhere."
    if report.sealed and report.sealed.recovery_identity:
        yield (
            f"The recovery identity {report.sealed.recovery_identity} opens the vault, too: move it to a place "
            "offline, away from this machine."
        )
    yield f"Next: {next_command(report)}"


def next_command(report: NewReport) -> str:
    """Return the command that comes next."""
    root = _shown(report.workspace.root)
    if not report.delivered:
        return f"fmc push --workspace {root}"
    infra = next(
        (
            folder
            for folder in ("infra", report.workspace.root.name)
            if (report.workspace.root / folder / "README.md").is_file()
        ),
        "",
    )
    return f"less {root}/{infra}/README.md" if infra else f"fmc check --workspace {root}"


def _shown(path: Path) -> str:
    """Return a path as the user would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _document(report: NewReport, console: Console) -> dict[str, Any]:
    sealed = report.sealed
    return {
        "changed": report.changed,
        "workspace": str(report.workspace.root),
        "repositories": [
            {"part": commit.part, "files": report.files[commit.part], "commit": commit.sha, "changed": commit.changed}
            for commit in report.commits
        ],
        "secrets": {
            "made": sealed.made,
            "changed": sealed.changed,
            "kept": sealed.kept,
            "pending": [pending.secret for pending in sealed.pending],
        }
        if sealed
        else None,
        "checks": {
            "files": report.checked.files,
            "documents": report.checked.documents,
            "engine": report.checked.engine,
            "findings": [finding.as_dict() for finding in (*report.loaded.warnings, *report.checked.findings)],
        },
        "delivered": [
            {
                "part": part.part,
                "url": part.url,
                "branch": part.branch,
                "commit": part.remote_sha,
                "changed": part.changed,
            }
            for part in report.delivered
        ],
        "seconds": {timing.step: round(timing.seconds, 3) for timing in console.timings},
        "next": next_command(report),
    }
