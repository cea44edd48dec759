"""`fmc renew`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.options import author_options, engine_options, output_options, workspace_options
from generator.cli.verbs import help_of
from generator.errors import BadInputError

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.steps.gate import Engine

HELP = """
Certificates of the cluster's own authority are renewed from 60 days before their end on, short ones from half of the
time that they have until their renewal. `fmc check` warns from then on, and in the last 30 days `fmc seal` renews them,
too. NAME, which is NAMESPACE/NAME or NAMESPACE/NAME:VALUE, is renewed whatever its age. The new ones are sealed,
committed and pushed, as by `fmc rotate`. The authority stays as long as it outlives them.

\b
Examples:
  fmc renew
  fmc renew traefik/wildcard-tls
  fmc renew --all
"""


@click.command("renew", help=help_of("renew", HELP))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All certificates, whatever their age.")
@workspace_options
@author_options
@engine_options
@output_options
@click.pass_obj
def command(
    console: Console, where: Where, author: Author | None, engine: Engine, names: tuple[str, ...], everything: bool
) -> int:
    """Call the pipeline, and show what it did."""
    from generator.cli.rotate import show
    from generator.pipeline.rotate import rotate
    from generator.secrets.selection import Order

    if names and everything:
        raise BadInputError("say which certificates, in one way: names or --all", fix="Leave one of the two out.")
    order = Order(names, everything=everything, due=not names and not everything, certificates=True)
    show(console, rotate(where.open(console), order, author, engine, console))
    return 0
