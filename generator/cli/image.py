"""`fmc image`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.options import author_options, output_options, workspace_options
from generator.cli.promote import pull_request_option, show
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console
    from generator.delivery.model import Author

HELP = """
\b
Examples:
  fmc image bump hello registry.example.com/hello:1.4.0@sha256:... --env staging
"""


@click.group("image", help=help_of("image", HELP))
def command() -> None:
    """Hold the verb."""


@command.command("bump")
@click.argument("app")
@click.argument("image")
@click.option("--env", "environment", required=True, metavar="ENV", help="Where it is to run.")
@click.option("--name", metavar="NAME", help="The `name` of the entry in the overlay's `images`, where it isn't clear.")
@click.option("--allow-mutable", is_flag=True, help="Take a tag without a digest, or the tag latest, too.")
@click.option("--build-url", metavar="URL", help="The build that made it, for the audit.")
@click.option("--source-commit", metavar="SHA", help="The commit that was built, for the audit.")
@pull_request_option
@workspace_options
@author_options
@output_options
@click.pass_obj
def bump_command(
    console: Console,
    where: Where,
    author: Author | None,
    app: str,
    image: str,
    environment: str,
    pull_request: bool,
    allow_mutable: bool,
    name: str | None,
    build_url: str | None,
    source_commit: str | None,
) -> int:
    r"""Write the image that an environment runs into the remote of the repository apps.

    As a pipeline does it with `ci/bump-image`: the newest commit of the branch is fetched, the overlay changed, and the
    result pushed; where somebody else was faster, the same begins anew on top of theirs. Nothing is written where the
    overlay says so already. IMAGE is NAME:TAG@DIGEST. The workspace stays as it is; `git pull` brings the commit there.

    \b
    Environment:
      FMC_GIT_TOKEN  token that may push, for http(s) remotes; a credential helper does as well
      FMC_GIT_USER   user that belongs to the token
    """
    from generator.pipeline.image import Request, bump

    given = {"--name": name, "--build-url": build_url, "--source-commit": source_commit}
    further = [f"{option}={value}" for option, value in given.items() if value]
    further += ["--allow-mutable"] if allow_mutable else []
    session = where.open(console)
    request = Request(app, environment, image=image, pull_request=pull_request, options=tuple(further))
    return show(console, request, bump(session, request, author))
