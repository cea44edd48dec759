"""`fmc remotes`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from generator.cli.options import author_options, output_options, workspace_options
from generator.cli.verbs import help_of
from generator.errors import BadInputError
from generator.findings import Severity

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.steps.session import Session

HELP = """
GitHub, GitLab, Gitea and Forgejo are asked by their APIs, folders of bare repositories by SSH. Which one it is the
address tells, or the server itself; else the answer `forge` does. Nothing is deleted, and nothing is pushed by force.

\b
Examples:
  fmc remotes create --dry-run
  fmc remotes create
  fmc remotes check --output json
  fmc remotes adopt

\b
Environment:
  FMC_GIT_TOKEN  token of somebody who may make repositories there; asked for in a terminal where
                 it is not set
  HTTPS_PROXY    proxy on the way there; NO_PROXY names what needs none
  SSL_CERT_FILE  authorities that are trusted instead of the system's; the answer git_authority is
                 trusted besides
"""


@click.group("remotes", help=help_of("remotes", HELP))
def command() -> None:
    """Hold the verbs."""


@command.command("create")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Don't ask before something is done.")
@workspace_options
@output_options
@click.pass_obj
def create_command(console: Console, where: Where, dry_run: bool, yes: bool) -> int:
    """Make what is missing: repositories, deploy keys, guarded branches, webhooks.

    Repositories are private and empty. The keys are those of the vault: Argo CD's may read, Jenkins' may push. The
    branch that Argo CD follows can't be deleted or set back, and takes pull requests alone where the answer
    forge.delivery says so and the branch exists. With forge.webhook pushes are told to Argo CD. What is right already
    stays as it is.
    """
    from generator.pipeline.remotes import change, compare

    session = where.open(console)
    found = compare(session, _token(session))
    planned = [one for one in found if one.change]
    left = [one.finding() for one in found if not one.change]
    console.table("What will be done", ("part", "found", "fmc"), [(one.part, one.found, one.does) for one in planned])
    console.findings(left)
    if planned and not dry_run:
        if not yes:
            _confirm(len(planned))
        change(planned, lambda line: console.note(f"  {line}"))
    console.document(
        {
            "changed": bool(planned) and not dry_run,
            "changes": [
                {"part": one.part, "rule": one.rule.id, "found": one.found, "does": one.does} for one in planned
            ],
            "findings": [finding.as_dict() for finding in left],
        }
    )
    if not planned:
        console.result("No change: the remotes are as they should be, as far as fmc sees to them.")
    else:
        console.result("Next: " + ("fmc remotes create" if dry_run else "fmc push"))
    return 0


@command.command("check")
@workspace_options
@output_options
@click.pass_obj
def check_command(console: Console, where: Where) -> int:
    """Compare the remotes with what they should be, and change nothing."""
    from generator.pipeline.remotes import compare

    session = where.open(console)
    findings = [one.finding() for one in compare(session, _token(session))]
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    console.document({"findings": [finding.as_dict() for finding in findings]})
    if not console.json_output:
        console.findings(findings)
    console.result("Next: fmc remotes create" if errors else "The remotes are as they should be.")
    return 1 if errors else 0


@command.command("adopt")
@workspace_options
@author_options
@output_options
@click.pass_obj
def adopt_command(console: Console, where: Where, author: Author | None) -> int:
    """Take over remotes that a forge began with a README, a licence or the like.

    Their history is taken in by a merge commit here, so that the next push only adds to theirs; files that they alone
    have stay. `fmc push` and `fmc new --push` do so by themselves. A remote with anything else in it is somebody's:
    it is named, and stays as it is.
    """
    from generator.pipeline.remotes import adopt

    adopted = adopt(where.open(console), author, console)
    console.document({"adopted": adopted})
    console.result("Next: fmc push" if adopted else "No change: no remote holds what a forge begins with alone.")
    return 0


def _token(session: Session) -> str:
    """Return the token of the environment, or one that is typed; it is never an argument."""
    from generator.pipeline.steps.forge import given_token, needs_token

    token = given_token()
    if token or not needs_token(session):
        return token
    if not sys.stdin.isatty():
        raise BadInputError(
            "the Git server is asked with a token, and there is none",
            fix="Set it without showing it: `read -rs FMC_GIT_TOKEN && export FMC_GIT_TOKEN`; then run the same again.",
        )
    typed: str = click.prompt("Token of the Git server", hide_input=True, err=True)
    return typed.strip()


def _confirm(count: int) -> None:
    if not sys.stdin.isatty():
        raise BadInputError(
            "nobody can be asked here: this is no terminal",
            fix="Look at `fmc remotes create --dry-run`, and run the same command with --yes.",
        )
    click.confirm(f"Do {'this' if count == 1 else f'these {count} things'}?", abort=True, err=True)
