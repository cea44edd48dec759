"""`fmc keys`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.plaintext import keep_from_others
from generator.cli.verbs import help_of
from generator.errors import BadInputError

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console

HELP = """
\b
Examples:
  fmc keys export | kubectl apply --server-side -f -
  kubeseal --recovery-unseal --recovery-private-key <(fmc keys export) < FILE.sealed.yaml
"""


@click.group("keys", help=help_of("keys", HELP))
def command() -> None:
    """Hold the verb."""


@command.command("export")
@workspace_options
@output_options
@click.pass_obj
def export_command(console: Console, where: Where) -> int:
    """Print the sealing keys as Kubernetes Secrets, into a pipe.

    They are private: they go to `kubectl apply --server-side -f -`, never to a terminal, and --server-side keeps
    kubectl from storing a second copy in an annotation. Nothing is printed unless the repository argocd is sealed to
    the key that the cluster would get.
    """
    from generator.pipeline.keys import export

    if sys.stdout.isatty():
        raise BadInputError(
            "the sealing keys are private, and are not shown on a terminal",
            fix="Give them to the cluster: `fmc keys export | kubectl apply --server-side -f -`.",
        )
    keep_from_others(console)
    console.verbatim(export(where.open()).reveal().decode())
    return 0
