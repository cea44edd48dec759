"""`fmc promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from generator.cli.options import author_options, output_options, workspace_options
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.cli.options import Where
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.image import Bumped, Request

_Command = TypeVar("_Command", bound="Callable[..., Any]")

HELP = """
The image that one environment's overlay names by its digest is written into the other's, as `fmc image bump` writes
one: what was tried is what runs, and nothing is built again.

\b
Examples:
  fmc promote hello
  fmc promote hello --from staging --to production --pull-request

\b
Environment:
  FMC_GIT_TOKEN  token that may push, for http(s) remotes; a credential helper does as well
  FMC_GIT_USER   user that belongs to the token
"""


def pull_request_option(command: _Command) -> _Command:
    """Add --pull-request."""
    return click.option(
        "--pull-request",
        is_flag=True,
        help="Push to the branch deploy/APP/ENV, and say where a pull request is opened.",
    )(command)


@click.command("promote", help=help_of("promote", HELP))
@click.argument("app")
@click.option("--from", "source", default="staging", show_default=True, metavar="ENV", help="Where it runs.")
@click.option("--to", "environment", default="production", show_default=True, metavar="ENV", help="Where it is to run.")
@click.option("--name", metavar="NAME", help="The `name` of the entry in the overlays' `images`, where it isn't clear.")
@pull_request_option
@workspace_options
@author_options
@output_options
@click.pass_obj
def command(
    console: Console,
    where: Where,
    author: Author | None,
    app: str,
    source: str,
    environment: str,
    pull_request: bool,
    name: str | None,
) -> int:
    """Call the pipeline, and show what the remote has."""
    from generator.pipeline.image import Request, bump

    session = where.open(console)
    options = (f"--name={name}",) if name else ()
    request = Request(app, environment, source=source, pull_request=pull_request, options=options)
    return show(console, request, bump(session, request, author))


def show(console: Console, request: Request, bumped: Bumped) -> int:
    """Print what the remote says now, and what comes next."""
    from dataclasses import asdict

    if console.json_output:
        console.document(asdict(bumped))
        return 0
    did = "now says" if bumped.changed else "said already"
    console.result(
        f"{request.app} in {request.environment}: {bumped.branch} {did} {bumped.image}, commit {bumped.commit[:12]}."
    )
    if bumped.proposed:
        console.result(f"Next: open a pull request: {bumped.url or f'of the branch {bumped.branch}'}")
    elif bumped.changed:
        console.result("Next: Argo CD takes it from here. `git pull` brings the commit into your repository.")
    return 0
