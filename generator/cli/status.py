"""`fmc status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from datetime import datetime

    from generator.cli.options import Where
    from generator.console import Console

HELP = """
It asks each remote where its branch is, and lists the dates of values, certificates, the sealing key, backups and
drills, the next one first. What a person has to do now is a finding with its remedy, and the exit code is then 1: a
timer can run it. No plaintext is shown, no file of yours is changed; whether files and manifests are right is what
`fmc check` looks at.

\b
Examples:
  fmc status
  fmc status --workspace ~/clusters/home --output json
"""


@click.command("status", help=help_of("status", HELP))
@workspace_options
@output_options
@click.pass_obj
def command(console: Console, where: Where) -> int:
    """Call the pipeline, and show what it found."""
    from generator.pipeline.status import status

    found = status(where.open(console), console)
    console.document(
        {
            "workspace": str(found.root),
            "repositories": [
                {"part": one.part, "branch": one.branch, "state": one.state} for one in found.repositories
            ],
            "dates": [{"what": one.what, "last": one.last, "due": one.due} for one in found.dates],
            "findings": [finding.as_dict() for finding in found.findings],
        }
    )
    console.table(
        "Repositories",
        ("part", "branch", "remote"),
        [(one.part, one.branch, one.state) for one in found.repositories],
    )
    console.table(
        "Dates", ("what", "last", "due"), [(one.what, _day(one.last), _day(one.due) or "now") for one in found.dates]
    )
    if not console.json_output:
        console.findings(found.findings)
    console.result("Next: what is named above, then `fmc status`" if found.findings else "Nothing is due.")
    return 1 if found.findings else 0


def _day(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d}" if when else ""
