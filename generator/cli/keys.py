"""`fmc keys`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.errors import BadInputError

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console

HELP = """Print the sealing keys, for the cluster.

\b
Examples:
  fmc keys export | kubectl apply --server-side -f -
  kubeseal --recovery-unseal --recovery-private-key <(fmc keys export) < FILE.sealed.yaml
"""


@click.group("keys", help=HELP, short_help="Print the sealing keys, for the cluster.")
def command() -> None:
    """Hold the verb."""


@command.command("export", short_help="Print the sealing keys as Kubernetes Secrets, into a pipe.")
@workspace_options
@output_options
@click.pass_obj
def export_command(console: Console, where: Where) -> int:
    """Print the sealing keys of the vault as Kubernetes Secrets, for `kubectl apply --server-side -f -`.

    The keys are private: they go into a pipe, never to a terminal, and --server-side keeps kubectl from storing a
    second copy in an annotation. Nothing is printed unless the repository argocd is sealed to the key that the cluster
    would get.
    """
    from generator.pipeline.keys import export

    if sys.stdout.isatty():
        raise BadInputError(
            "the sealing keys are private, and are not shown on a terminal",
            fix="Give them to the cluster: fmc keys export | kubectl apply --server-side -f -",
        )
    console.verbatim(export(where.open()).reveal().decode())
    return 0
