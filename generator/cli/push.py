"""`fmc push`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.options import author_options, engine_options, output_options, workspace_options
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.steps.gate import Engine

HELP = """
Checks them, commits sealed manifests that `fmc seal` wrote, and pushes every repository to a run branch first; only
when all remotes took theirs are the branches moved forward, argocd last, because the cluster acts on it at once. If
something stops it, the same command goes on from there. Nothing is reported that the remotes did not confirm.

With `--mode pull-request`, or where the answer forge.delivery says pull-requests, people move the branches: a pull
request is opened from each run branch, argocd's when the others are merged. The same command, or --wait, goes on then.
Without a token for the forge the page is named where a person opens it. An empty repository gets its first branch by a
push: there is nothing yet that it could be merged into.

\b
Examples:
  fmc push
  fmc push --mode pull-request --wait
  fmc push --workspace ~/clusters/home

\b
Environment:
  FMC_GIT_TOKEN  token that may push, for http(s) remotes, and open pull requests; a credential
                 helper does for pushes
  FMC_GIT_USER   user that belongs to the token
"""


@click.command("push", help=help_of("push", HELP))
@click.option(
    "--mode",
    type=click.Choice(["direct", "pull-request"]),
    help="Move the branches forward, or ask people to merge; by default as the answers say.",
)
@click.option("--wait", is_flag=True, help="Go on when people have merged, until all is delivered.")
@workspace_options
@author_options
@engine_options
@output_options
@click.pass_obj
def command(console: Console, where: Where, author: Author | None, engine: Engine, mode: str | None, wait: bool) -> int:
    """Call the pipeline, and show what the remotes answered."""
    from generator.cli.summary import pushed_document, pushed_lines
    from generator.pipeline.push import push
    from generator.pipeline.steps.origin import origin_notes

    session = where.open(console)
    for note in origin_notes(session.workspace):
        console.note(note)
    pushed = push(session, author, engine, console, mode=mode, wait=wait)
    if console.json_output:
        console.document(pushed_document(pushed))
        return 0
    console.table(
        "Remotes",
        ("part", "remote", "branch", "commit", ""),
        [
            (part.part, part.url, part.branch, part.remote_sha[:12], "pushed" if part.changed else "had it already")
            for part in pushed.delivered
        ],
    )
    for line in pushed_lines(pushed) or ("No change: the remotes had everything.",):
        console.result(line)
    return 0
