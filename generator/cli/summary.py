"""What `fmc new` shows: the plan before it writes, and what it did afterwards."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.cli.recipients import recipient_changes
from generator.pipeline.steps.origin import origin_notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from generator.answers.effects import Effect
    from generator.answers.plan import Plan
    from generator.console import Console
    from generator.delivery.model import Delivered
    from generator.pipeline.new import NewReport, Overview
    from generator.pipeline.steps.deliver import Pushed

_SHORT = 12


def overview(plan: Overview, console: Console) -> None:
    """Show what is about to be made: repositories, machines, addresses and secrets."""
    from generator.pipeline.steps.preview import planned_catalogue

    console.table(
        "Repositories",
        ("part", "folder", "remote", "branch"),
        [(target.part, _shown(target.path), target.url, target.branch) for target in plan.targets],
    )
    if not plan.loaded.plan.existing:
        _machines(plan.loaded.plan, console)
    console.table(
        "Addresses",
        ("what", "name", "address"),
        [
            ("Kubernetes API", plan.loaded.plan.api.host, plan.loaded.plan.api.address),
            *(("ingress", service.host, plan.loaded.plan.ingress) for service in plan.loaded.plan.services),
            *(("DNS and time", "", address) for address in plan.loaded.plan.dns),
        ],
    )
    console.table(
        "Secrets",
        ("secret", "what for"),
        [(secret.id, secret.description) for secret in planned_catalogue(plan.loaded, plan.template_root)],
    )
    show_effects(plan.effects, console)
    console.findings(plan.loaded.warnings)
    console.note(
        "The remotes have to exist before the first push: `fmc remotes create` makes them, or a forge with a README."
    )


def _machines(plan: Plan, console: Console) -> None:
    networks = {network.key: network for network in plan.networks}
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
            for node in plan.nodes
        ],
    )


def show_effects(effects: Sequence[Effect], console: Console) -> None:
    """Show what becomes of things that are there, the worst first."""
    if effects:
        rows = [(effect.name, str(effect.severity), effect.message) for effect in effects]
        console.table("What these answers change", ("what", "class", "how"), rows)


def summary(report: NewReport, console: Console) -> None:
    """Show what was rendered, sealed, checked and pushed, how long each step took, and the next command."""
    if console.json_output:
        console.document(_document(report, console))
        return
    console.findings(report.warnings)
    title = f"Repositories in {_shown(report.workspace.root)}"
    console.table(title, ("part", "files", "commit", "pushed to"), _repositories(report))
    if report.sealed:
        counts = {
            "made": report.sealed.made,
            "sealed anew": report.sealed.changed,
            "unchanged": report.sealed.kept,
            "pending": report.sealed.pending,
        }
        console.result("Secrets: " + ", ".join(f"{len(names)} {state}" for state, names in counts.items()))
    checked = report.checked
    console.result(f"Checked: {checked.files} files, {checked.documents} manifests by {checked.engine}; no error")
    total = sum(timing.seconds for timing in console.timings)
    steps = ", ".join(f"{timing.step} {timing.seconds:.2f}" for timing in console.timings)
    console.result(f"Seconds: {total:.2f} ({steps})\n")
    for line in _advice(report):
        console.result(line)


def _repositories(report: NewReport) -> Iterator[tuple[str, ...]]:
    delivered = {part.part: part for part in report.pushed.delivered}
    waiting = {one.part for one in report.pushed.proposed}
    for commit in report.commits:
        pushed = "waits to be merged" if commit.part in waiting else "not pushed"
        if part := delivered.get(commit.part):
            pushed = f"{part.url} {part.branch} at {part.remote_sha[:_SHORT]}" + ("" if part.changed else " (had it)")
        state = "" if commit.changed else " (no change)"
        yield commit.part, str(report.files[commit.part]), commit.sha[:_SHORT] + state, pushed


def _advice(report: NewReport) -> Iterator[str]:
    if not report.changed:
        yield "No change: the repositories are what these answers and this vault give."
    if report.sealed and report.sealed.identity_created:
        identity = _shown(report.sealed.identity_created)
        yield f"New: your age identity {identity}. It opens the vault; keep a copy elsewhere."
    if report.sealed and report.sealed.recovery_identity:
        recovery = _shown(report.sealed.recovery_identity)
        yield f"The recovery identity opens the vault as well: {recovery}. Move it to a place offline."
    if report.sealed:
        yield from (f"Taken over from Git: {value}" for value in report.sealed.taken)
        yield from recipient_changes(report.sealed)
    for key in report.sealed.ssh_public_keys if report.sealed else ():
        if report.changed:
            yield f"Register at the Git server, read-only, for {key.secret}: {key.line}"
    yield from origin_notes(report.workspace)
    if report.pushed.proposed:
        yield from pushed_lines(report.pushed)
        return
    yield f"Next: {next_command(report)}"


def next_command(report: NewReport) -> str:
    """Return the command that comes next."""
    if not report.pushed.delivered:
        return f"fmc push --workspace {_shown(report.workspace.root)}"
    # What comes next is made first: the machines, or of a cluster that is there already Argo CD.
    target = report.targets[-1 if report.loaded.plan.existing else 0]
    return f"less {_shown(target.path / 'README.md')}"


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
        "effects": [effect.as_dict() for effect in report.effects],
        "workspace": str(report.workspace.root),
        "repositories": [
            {"part": commit.part, "files": report.files[commit.part], "commit": commit.sha, "changed": commit.changed}
            for commit in report.commits
        ],
        "secrets": {
            "made": sealed.made,
            "changed": sealed.changed,
            "kept": sealed.kept,
            "made_for_machines": sealed.made_for_machines,
            "taken_over": sealed.taken,
            "recipients_added": sealed.recipients_added,
            "recipients_removed": sealed.recipients_removed,
            "pending": [pending.secret for pending in sealed.pending],
        }
        if sealed
        else None,
        "checks": {
            "files": report.checked.files,
            "documents": report.checked.documents,
            "engine": report.checked.engine,
            "findings": [finding.as_dict() for finding in report.warnings],
        },
        **pushed_document(report.pushed),
        "notes": list(origin_notes(report.workspace)),
        "seconds": {timing.step: round(timing.seconds, 3) for timing in console.timings},
        "next": next_command(report),
    }


def pushed_lines(pushed: Pushed) -> tuple[str, ...]:
    """Return what is left to do after a push; nothing where the remotes had everything."""
    if pushed.proposed:
        return (
            *(
                f"{one.part}: merge {one.source} into {one.branch}: {one.page or 'at the Git server'}"
                for one in pushed.proposed
            ),
            "Next: have that merged, then run the same command again; `fmc push --wait` waits for it.",
        )
    return ("Next: Argo CD takes it from here.",) if any(part.changed for part in pushed.delivered) else ()


def pushed_document(pushed: Pushed) -> dict[str, Any]:
    """Return what a push did, for `--output json`."""
    return {
        "delivered": delivered_document(pushed.delivered),
        "proposed": [asdict(one) for one in pushed.proposed],
    }


def delivered_document(delivered: Sequence[Delivered]) -> list[dict[str, Any]]:
    """Return what the remotes answered, for `--output json`."""
    return [
        {"part": part.part, "url": part.url, "branch": part.branch, "commit": part.remote_sha, "changed": part.changed}
        for part in delivered
    ]
