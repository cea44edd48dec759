"""`fmc doctor`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_option
from generator.cli.verbs import help_of
from generator.findings import Severity

if TYPE_CHECKING:
    from generator.console import Console
    from generator.pipeline.doctor import Examination, Hypervisor

HELP = """
It lists the programs that an operator needs, with the versions found and wanted. In a workspace, or with --answers, it
also compares each hypervisor that is this machine (qemu:///system) with the plan: KVM, libvirt and its group, memory,
CPUs and disk against the sums of its machines, bridge, nftables. Nothing is changed, and nothing is sent to the
network: that is what --host is for. It looks at a hypervisor wherever it is, through libvirt, and tries whether
somebody answers at the addresses of its machines already, with one TCP connection to each of their ports.

--install gets kubeconform, the version that fmc was tested with, into fmc's own folder: built by `go install` where Go
is there and can, else from its release for Linux on amd64 or arm64. Hashes of both are pinned. Without kubeconform,
manifests are validated by the built-in engine.

\b
Examples:
  fmc doctor
  fmc doctor --answers answers.yaml --host kvm1
  fmc doctor --install
"""


@click.command("doctor", help=help_of("doctor", HELP))
@click.option("--install", is_flag=True, help="Install kubeconform into fmc's own folder.")
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare with the plan of this answers file instead of the workspace's.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Also look at this hypervisor of the plan, wherever it is, and try its machines' addresses.",
)
@workspace_option
@output_options
@click.pass_obj
def command(console: Console, install: bool, answers: Path | None, hosts: tuple[str, ...], workspace: Path) -> int:
    """Call the pipeline, and show what is there."""
    from generator.pipeline.doctor import examine, subject_of
    from generator.tools.install import install_kubeconform

    if install:
        with console.step("install kubeconform"):
            console.note(f"    {install_kubeconform()}")
    found = examine(subject_of(answers, workspace), hosts)
    errors = sum(finding.severity is Severity.ERROR for finding in found.findings)
    if console.json_output:
        console.document(_document(found))
        return 1 if errors else 0
    console.table(
        "This machine",
        ("what", "found", "wanted", "for"),
        [
            (each.name, each.found or ("MISSING" if each.needed else "not there"), each.wanted, each.purpose)
            for each in found.requirements
        ],
    )
    if found.hosts:
        console.table(
            "Hypervisors",
            ("host", "libvirt", "machines", "CPUs", "memory (MiB)", "disk (GiB)"),
            map(_row, found.hosts),
        )
    console.findings(found.findings)
    following = "the next step of infra/README.md" if found.hosts else "fmc new"
    console.result("Next: " + ("correct what is named above, then `fmc doctor`" if errors else following))
    return 1 if errors else 0


def _row(host: Hypervisor) -> tuple[str, ...]:
    """Return what a hypervisor's machines want, and what it has."""
    plan, facts = host.plan, host.facts
    wanted = (
        sum(machine.cpus for machine in plan.machines),
        sum(machine.memory_mib for machine in plan.machines),
        sum(machine.disk_gib for machine in plan.machines),
    )
    state = f"not looked at: --host {plan.name}"
    there: tuple[int | None, ...] = (None, None, None)
    if facts is not None:
        state = "does not answer" if facts.libvirt_error else "answers"
        free = facts.disk_free
        there = (facts.cpus, facts.memory and facts.memory >> 20, free and free >> 30)
    amounts = [f"{one:,}" + (f" of {has:,}" if has is not None else "") for one, has in zip(wanted, there, strict=True)]
    return (f"{plan.name} ({plan.uri})", state, str(len(plan.machines)), *amounts)


def _document(found: Examination) -> dict[str, object]:
    return {
        "tools": [each.as_dict() for each in found.requirements],
        "hosts": [
            {"name": host.plan.name, "uri": host.plan.uri, "facts": asdict(host.facts) if host.facts else None}
            for host in found.hosts
        ],
        "findings": [finding.as_dict() for finding in found.findings],
    }
