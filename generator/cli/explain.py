"""`fmc explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.console import Console

HELP = """
Without a name, all rules are listed.

\b
Examples:
  fmc explain argocd/sync-wave
  fmc explain answers/cidr-overlap secrets/outdated
  fmc explain --output json
"""


@click.command("explain", help=help_of("explain", HELP))
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@output_options
@click.pass_obj
def command(console: Console, rules: tuple[str, ...]) -> int:
    """Call the pipeline, and show the rules."""
    from generator.pipeline.explain import explain

    found = explain(rules)
    if console.json_output:
        console.document({"rules": [rule.as_dict() for rule in found]})
        return 0
    for rule in found:
        console.result(f"{rule.id} ({rule.severity})\n    {rule.says}")
    return 0
