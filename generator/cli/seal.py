"""`fmc seal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.recipients import recipient_changes
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console

HELP = """
Reads secrets/catalogue.yaml, makes what is missing in the vault, and writes secrets/**/*.sealed.yaml; what is right
already is left alone. The first run also makes the sealing key, the vault and your age identity. Nothing is committed:
look at `git diff`, then run `fmc check` and `fmc push`.

What Git holds counts: a newer value that another copy of the vault sealed is taken over, and nothing that was delivered
is taken back. Where vault and Git hold values that don't follow each other, fmc stops, says which, and waits for
--prefer-vault or --prefer-git.

\b
Examples:
  fmc seal
  fmc seal --prefer-git argocd/git-credentials
  read -rs FMC_GIT_READ_TOKEN && export FMC_GIT_READ_TOKEN && fmc seal

\b
Environment:
  FMC_IDENTITY   your age identity, which opens the vault
  and the variables that the catalogue names for values that someone else issues
"""


@click.command("seal", help=help_of("seal", HELP))
@click.option(
    "--prefer-vault",
    multiple=True,
    metavar="NAMESPACE/NAME",
    help="Where vault and Git disagree about this secret, seal the vault's value over that in Git; may be repeated.",
)
@click.option(
    "--prefer-git",
    multiple=True,
    metavar="NAMESPACE/NAME",
    help="Where they disagree about this secret, take the value in Git over into the vault; may be repeated.",
)
@workspace_options
@output_options
@click.pass_obj
def command(console: Console, where: Where, prefer_vault: tuple[str, ...], prefer_git: tuple[str, ...]) -> int:
    """Call the pipeline, and show what it did."""
    from generator.pipeline.seal import seal
    from generator.pipeline.steps.gate import in_folder
    from generator.secrets.sealing.disputes import Preference

    session = where.open(console)
    report, restarted = seal(session, console, Preference(frozenset(prefer_vault), frozenset(prefer_git)))
    if console.json_output:
        console.document(
            {
                "workspace": str(session.workspace.root),
                "made": report.made,
                "changed": report.changed,
                "kept": report.kept,
                "made_for_machines": report.made_for_machines,
                "taken_over": report.taken,
                "pending": [pending.secret for pending in report.pending],
                "elsewhere": [f"{value.secret}: {value.value}" for value in report.elsewhere],
                "recipients_added": report.recipients_added,
                "recipients_removed": report.recipients_removed,
                "written": report.written,
                "deleted": report.deleted,
                "restarted": [str(file.relative_to(session.workspace.root)) for file in restarted],
                "sealing_key": report.key_fingerprint,
            }
        )
        return 0
    done = (
        ("taken over from Git", report.taken),
        ("made", report.made),
        ("sealed anew", report.changed),
        ("deleted", report.deleted),
        ("made in the vault, for machines", report.made_for_machines),
    )
    for verb, names in done:
        for name in names:
            console.result(f"{verb}: {name}")
    for file in restarted:
        console.result(f"restarts with it: {file.relative_to(session.workspace.root)}")
    console.result(f"{len(report.kept)} unchanged. Sealing key {report.key_fingerprint}.")
    console.findings(in_folder(session.store.root, report.warnings()))
    for key in report.ssh_public_keys:
        console.result(f"Register at the Git server, read-only, for {key.secret}: {key.line}")
    for line in recipient_changes(report):
        console.result(line)
    if report.recovery_identity:
        recovery = report.recovery_identity
        console.result(f"The recovery identity opens the vault as well: {recovery}. Move it to a place offline.")
    console.result(
        "Next: fmc check, then fmc push" if report.written or report.deleted or restarted else "Nothing to do."
    )
    return 0
