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

\b
Examples:
  fmc push
  fmc push --workspace ~/clusters/home

\b
Environment:
  FMC_GIT_TOKEN  token that may push, for http(s) remotes; a credential helper does as well
  FMC_GIT_USER   user that belongs to the token
"""


@click.command("push", help=help_of("push", HELP))
@workspace_options
@author_options
@engine_options
@output_options
@click.pass_obj
def command(console: Console, where: Where, author: Author | None, engine: Engine) -> int:
    """Call the pipeline, and show what the remotes answered."""
    from generator.cli.summary import delivered_document
    from generator.pipeline.push import push
    from generator.pipeline.steps.origin import origin_notes

    session = where.open(console)
    for note in origin_notes(session.workspace):
        console.note(note)
    delivered = push(session, author, engine, console)
    if console.json_output:
        console.document({"delivered": delivered_document(delivered)})
        return 0
    console.table(
        "Remotes",
        ("part", "remote", "branch", "commit", ""),
        [
            (part.part, part.url, part.branch, part.remote_sha[:12], "pushed" if part.changed else "had it already")
            for part in delivered
        ],
    )
    changed = any(part.changed for part in delivered)
    console.result("Next: Argo CD takes it from here." if changed else "No change: the remotes had everything.")
    return 0
