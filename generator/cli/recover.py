"""`fmc recover`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.verbs import help_of
from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.cli.options import Where
    from generator.console import Console
    from generator.secrets.recover import Opened

HELP = """
FILE may be fmc's or kubeseal's, hold several documents, and be of any scope. Its values come into the vault where the
catalogue has an entry for the Secret; a newer value of the vault stays. `fmc secret import` makes an entry where there
is none. With --reveal they are shown on the terminal, and nothing is written.

\b
Examples:
  fmc recover argocd/secrets/traefik/traefik-dashboard-auth.sealed.yaml
  git show HEAD~3:secrets/argocd/argocd-secret.sealed.yaml | fmc recover --reveal /dev/stdin
"""


@click.command("recover", help=help_of("recover", HELP))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE...")
@click.option("--reveal", is_flag=True, help="Show the values in the clear, on a terminal alone.")
@workspace_options
@output_options
@click.pass_obj
def command(console: Console, where: Where, files: tuple[Path, ...], reveal: bool) -> int:
    """Call the pipeline, and show what it did."""
    from generator.pipeline.recover import opened, recovered

    if reveal:
        if not sys.stdout.isatty() or console.json_output:
            raise BadInputError(
                "--reveal shows values on a terminal, and this is none",
                fix="Leave it out, which puts them into the vault; `fmc secret show` prints one of them into a pipe.",
            )
        for one in opened(where.open(), files):
            for line in _in_the_clear(one):
                console.verbatim(line)
        return 0
    report = recovered(where.open(), files)
    console.document({"taken": report.taken, "unknown": report.unknown, "closed": report.closed})
    for value in report.taken:
        console.result(f"taken: {value}")
    for value in report.closed:
        console.result(f"no key of the vault opens {value}: `fmc keys import` brings the key of another cluster")
    for secret in report.unknown:
        console.result(f"the catalogue has no {secret}: `fmc secret import FILE` makes an entry of it")
    console.result("Next: fmc seal" if report.taken else "The vault is as it was.")
    return 0


def _in_the_clear(one: Opened) -> Iterator[str]:
    """Yield the values, each in one line that can't steer a terminal."""
    yield f"{one.secret}:"
    for key, value in one.values.items():
        text = (
            "(no key of the vault opens it)" if value is None else json.dumps(value.reveal().decode(errors="replace"))
        )
        yield f"  {key}: {text}"
