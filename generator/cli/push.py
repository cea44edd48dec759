"""`fmc push`."""

from __future__ import annotations

from pathlib import Path

import click

from generator.cli.options import (
    author,
    author_options,
    console,
    engine_options,
    identity_option,
    output_options,
    workspace_option,
)

HELP = """Push the repositories of a workspace, argocd last.

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


@click.command("push", help=HELP, short_help="Push the repositories of a workspace, argocd last.")
@workspace_option
@identity_option
@author_options
@engine_options
@output_options
def command(
    workspace: Path,
    identity: Path | None,
    author_name: str | None,
    author_email: str | None,
    engine: str,
    kubeconform: Path | None,
) -> int:
    """Call the pipeline, and show what the remotes answered."""
    from generator.cli.summary import delivered_document
    from generator.pipeline.check import Engine
    from generator.pipeline.deliver import push_workspace

    delivered = push_workspace(
        workspace, identity, author(author_name, author_email), Engine(engine, kubeconform), console()
    )
    if console().json_output:
        console().document({"delivered": delivered_document(delivered)})
        return 0
    console().table(
        "Remotes",
        ("part", "remote", "branch", "commit", ""),
        [
            (part.part, part.url, part.branch, part.remote_sha[:12], "pushed" if part.changed else "had it already")
            for part in delivered
        ],
    )
    changed = any(part.changed for part in delivered)
    console().result("Next: Argo CD takes it from here." if changed else "No change: the remotes had everything.")
    return 0
