"""`fmc seal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console

HELP = """Make missing secrets, and bring the sealed manifests up to date.

Reads secrets/catalogue.yaml, makes what is missing in the vault, and writes secrets/**/*.sealed.yaml; what is right
already is left alone. The first run also makes the sealing key, the vault and your age identity. Nothing is committed:
look at `git diff`, then run `fmc check` and `fmc push`.

\b
Examples:
  fmc seal
  read -rs FMC_GIT_READ_TOKEN && export FMC_GIT_READ_TOKEN && fmc seal

\b
Environment:
  FMC_IDENTITY   your age identity, which opens the vault
  and the variables that the catalogue names for values that someone else issues
"""


@click.command("seal", help=HELP, short_help="Make missing secrets, and bring the sealed manifests up to date.")
@workspace_options
@output_options
@click.pass_obj
def command(console: Console, where: Where) -> int:
    """Call the pipeline, and show what it did."""
    from generator.pipeline.seal import seal
    from generator.pipeline.steps.gate import in_folder

    session = where.open(console)
    report = seal(session, console)
    if console.json_output:
        console.document(
            {
                "workspace": str(session.workspace.root),
                "made": report.made,
                "changed": report.changed,
                "kept": report.kept,
                "pending": [pending.secret for pending in report.pending],
                "written": report.written,
                "deleted": report.deleted,
                "sealing_key": report.key_fingerprint,
            }
        )
        return 0
    for verb, names in (("made", report.made), ("sealed anew", report.changed), ("deleted", report.deleted)):
        for name in names:
            console.result(f"{verb}: {name}")
    console.result(f"{len(report.kept)} unchanged. Sealing key {report.key_fingerprint}.")
    console.findings(in_folder(session.store.root, report.warnings()))
    for key in report.ssh_public_keys:
        console.result(f"Register at the Git server, read-only, for {key.secret}: {key.line}")
    if report.recovery_identity:
        console.result(f"Move the recovery identity {report.recovery_identity} to a place offline.")
    console.result("Next: fmc check, then fmc push" if report.written or report.deleted else "Nothing to do.")
    return 0
