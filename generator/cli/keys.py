"""`fmc keys`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from generator.cli.options import console, identity_option, workspace_option
from generator.errors import BadInputError

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
@workspace_option
@identity_option
def export_command(workspace: Path, identity: Path | None) -> int:
    """Print the sealing keys of the vault as Kubernetes Secrets, for `kubectl apply --server-side -f -`.

    The keys are private: they go into a pipe, never to a terminal, and --server-side keeps kubectl from storing a
    second copy in an annotation. Nothing is printed unless the repository argocd is sealed to the key that the cluster
    would get.
    """
    from generator.pipeline.seal import export_keys

    if sys.stdout.isatty():
        raise BadInputError(
            "the sealing keys are private, and are not shown on a terminal",
            fix="Give them to the cluster: fmc keys export | kubectl apply --server-side -f -",
        )
    console().result(export_keys(workspace, identity).reveal().decode())
    return 0
