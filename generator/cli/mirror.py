"""`fmc mirror`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_option
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.console import Console

HELP = """
\b
Examples:
  fmc mirror list
  fmc mirror list --answers answers.yaml --output json
  fmc mirror list --format skopeo > fill.sh
  fmc mirror list --format hauler > hauler.yaml
"""
_FORMATS = ["plain", "skopeo", "hauler", "zarf"]


@click.group("mirror", help=help_of("mirror", HELP))
def command() -> None:
    """Hold the verb."""


@command.command("list")
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="List what fmc would render with this answers file, instead of a workspace.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="plain",
    show_default=True,
    help="plain is a line for each; skopeo a script, hauler and zarf what those programs read.",
)
@workspace_option
@output_options
@click.pass_obj
def list_command(console: Console, answers: Path | None, form: str, workspace: Path) -> int:
    """Print every chart, image, binary, OS image and Terraform provider of a cluster.

    Each comes with its digest where that is pinned here. The images of a chart are recorded for the version that fmc
    renders; where the workspace has another version, or a chart of your own, a warning says so. Nothing is fetched.
    """
    from generator.mirror.formats import FORMATS
    from generator.pipeline.mirror import of_answers, of_workspace

    name, found = of_answers(answers) if answers is not None else of_workspace(workspace)
    if console.json_output:
        console.document(
            {
                "cluster": name,
                "items": [item.as_dict() for item in found.items],
                "findings": [finding.as_dict() for finding in found.findings],
            }
        )
        return 0
    console.findings(found.findings)
    console.verbatim(FORMATS[form](found, name))
    return 0
