"""`fmc new`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import author_options, engine_options, identity_option, output_options, template_option
from generator.cli.verbs import help_of
from generator.errors import BadInputError

if TYPE_CHECKING:
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.new import Overview
    from generator.pipeline.steps.gate import Engine

HELP = """
Without --answers it asks at most twelve questions and keeps the answers in answers.yaml; run it again to go on where
you stopped. In a workspace, or beside clones of its repositories, it takes the answers that lie there. It shows what it
is about to make, and asks once. Run with the same answers again it changes nothing; with others it merges what they
change into repositories that you have worked in since.

\b
Examples:
  fmc new
  fmc new --answers examples/ha.yaml --push --yes
  fmc new --answers answers.yaml --workspace ~/clusters/home --yes
  fmc new --answers answers.yaml --set layout=monorepo --set profile=single

\b
Environment:
  FMC_GIT_TOKEN       token that may push, for http(s) remotes; a credential helper does as well
  FMC_GIT_READ_TOKEN  token with which Argo CD will read the repositories; it is sealed
  FMC_IDENTITY        your age identity, which opens the vault
"""


@click.command("new", help=help_of("new", HELP))
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Answers file, or the .copier-answers.yml of a repository; without it fmc asks.",
)
@click.option("--set", "data", multiple=True, metavar="NAME=VALUE", help="One answer; wins over the file.")
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the repositories go.  [default: the workspace you are in, else a folder with the cluster's name]",
)
@click.option("--push", is_flag=True, help="Push the repositories to their remotes, argocd last.")
@click.option(
    "--keep",
    multiple=True,
    metavar="FILE",
    help="Keep your side of a file that you and the answers changed differently; or of a whole folder.",
)
@click.option("--take", multiple=True, metavar="FILE", help="Take the rendered side of it.")
@click.option("--yes", is_flag=True, help="Do not ask before writing; needed where there is no terminal.")
@click.option(
    "--allow-destructive",
    multiple=True,
    metavar="NAME",
    help="Go on although this machine or disk is lost; the refusal names it.",
)
@identity_option
@author_options
@template_option
@engine_options
@output_options
@click.pass_obj
def command(
    console: Console,
    answers: Path | None,
    data: tuple[str, ...],
    workspace: Path | None,
    push: bool,
    keep: tuple[str, ...],
    take: tuple[str, ...],
    yes: bool,
    allow_destructive: tuple[str, ...],
    identity: Path | None,
    author: Author | None,
    template_url: str | None,
    engine: Engine,
) -> int:
    """Call the pipeline, and show what it did."""
    from generator.cli.interview import find_answers
    from generator.cli.summary import overview, show_effects, summary
    from generator.delivery.local.staged import Decisions
    from generator.pipeline.new import NewOptions, new

    interactive = sys.stdin.isatty() and sys.stderr.isatty()

    def confirm(plan: Overview) -> bool:
        if yes:
            show_effects(plan.effects, console)
            return True
        if not interactive:
            fix = "Look at `fmc check --answers FILE`, and run the same command with --yes."
            raise BadInputError("nobody can be asked here whether to write: this is no terminal", fix=fix)
        overview(plan, console)
        return click.confirm("Write this?", default=True, err=True)

    report = new(
        NewOptions(
            answers=answers or find_answers(console, parsed(data)),
            workspace=workspace,
            push=push,
            overrides=parsed(data),
            template_url=template_url,
            author=author,
            identity=identity,
            engine=engine,
            allow_destructive=frozenset(allow_destructive),
            decisions=Decisions(keep, take),
        ),
        console,
        confirm,
    )
    summary(report, console)
    return 0


def parsed(data: tuple[str, ...]) -> dict[str, str]:
    """Split NAME=VALUE options."""
    for item in data:
        if "=" not in item:
            raise click.BadParameter(f"{item!r} is not NAME=VALUE", param_hint="--set")
    return dict(item.split("=", 1) for item in data)
