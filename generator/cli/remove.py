"""`fmc remove`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.verbs import help_of
from generator.errors import BadInputError

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console
    from generator.pipeline.remove_app import Removal

HELP = """
\b
Examples:
  fmc remove app shop
  fmc remove app shop --yes --allow-destructive shop
"""


@click.group("remove", help=help_of("remove", HELP))
def command() -> None:
    """Hold the verbs."""


@command.command("app")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option(
    "--allow-destructive",
    multiple=True,
    metavar="NAME",
    help="Go on although files of this app are not as fmc wrote them; the refusal names them.",
)
@workspace_options
@output_options
@click.pass_obj
def app_command(console: Console, where: Where, name: str, yes: bool, allow_destructive: tuple[str, ...]) -> int:
    """Remove the files of an app that `fmc add app` made: its folders, its project, namespaces, limits and secrets.

    Files that a person changed go where that is said alone. Nothing is committed, and the cluster is as it was until
    you push: then the app goes with its volumes, and Argo CD waits for your word before its namespaces and its project
    go, too. Values of its secrets stay in the vault.
    """
    from generator.pipeline.remove_app import remove_app

    interactive = sys.stdin.isatty() and sys.stderr.isatty()

    def confirm(removal: Removal) -> bool:
        for line in _lost(removal):
            console.note(line)
        if yes:
            return True
        if not interactive:
            fix = "Read what is said above, and run the same command with --yes."
            raise BadInputError("nobody can be asked here whether to remove it: this is no terminal", fix=fix)
        return click.confirm("Remove this?", default=False, err=True)

    removal = remove_app(where.open(console), name, allow_destructive, confirm, console)
    _show(console, removal)
    return 0


def _lost(removal: Removal) -> list[str]:
    """Return what goes, here and in the cluster."""
    return [
        *(f"removed: {path}" for path in removal.files),
        *(f"the cluster loses {namespace}, with its volumes" for namespace in removal.namespaces),
        *(f"the catalogue loses {secret}; its values stay in the vault" for secret in removal.secrets),
    ]


def _show(console: Console, removal: Removal) -> None:
    from generator.wording import command as shown

    console.document(
        {
            "app": removal.name,
            "changed": not removal.is_nothing,
            "removed": [str(path) for path in removal.files],
            "lists": [str(path) for path in removal.lists],
            "namespaces": list(removal.namespaces),
            "secrets": list(removal.secrets),
        }
    )
    if removal.is_nothing:
        console.result(f"No change: there is no app {removal.name}.")
        return
    for path in removal.files:
        console.result(f"removed: {path}")
    for path in removal.lists:
        console.result(f"changed: {path}")
    seal = "`fmc seal`, which removes its sealed manifests, " if removal.secrets else ""
    commit = shown("git", "commit", "--message", f"Remove {removal.name}")
    console.result(
        f"Next: {seal}`fmc check`, then in each repository that changed `git add --all` and {commit}, then `fmc push`; "
        "README.md of apps says how Argo CD is told that the namespaces may go"
    )
