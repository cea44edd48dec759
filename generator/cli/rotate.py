"""`fmc rotate`."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import author_options, engine_options, output_options, workspace_options
from generator.cli.summary import pushed_document, pushed_lines
from generator.cli.verbs import help_of
from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.cli.options import Where
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.rotate import RotateReport
    from generator.pipeline.steps.gate import Engine
    from generator.pipeline.steps.session import Session
    from generator.secrets.selection import Order

HELP = """
NAME is NAMESPACE/NAME, for all values of a secret, or NAMESPACE/NAME:VALUE. fmc makes the new value and the forms that
are derived from it, seals them, writes the new revision where a pod restarts with the secret, commits that, and pushes.
A run that was stopped is run again: nothing is replaced twice.

What somebody else has the other half of takes two steps, so that both are valid in between. A token is issued first,
then typed, piped in, or set in the variable that the catalogue names, and revoked last. Of a deploy key the first run
prints the next public half; once it is registered, the same command with --registered lets it count. What machines need
comes to them by a playbook, which fmc names.

\b
Examples:
  fmc rotate traefik/traefik-dashboard-auth
  fmc rotate --older-than 90d
  pass show git/argocd-new | fmc rotate argocd/git-credentials
  fmc rotate argocd/repo-argocd --registered
"""
_AGE = re.compile(r"([0-9]{1,5})([dw])")
_DAYS = {"d": 1, "w": 7}


class Age(click.ParamType[timedelta]):
    """A time span in days or weeks."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read `90d` or `12w`."""
        found = _AGE.fullmatch(value)
        if not found:
            self.fail(f"{value!r} is no age; write days or weeks, such as 90d or 12w.", param, ctx)
        return timedelta(days=int(found[1]) * _DAYS[found[2]])


@click.command("rotate", help=help_of("rotate", HELP))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Everything that fmc makes by itself.")
@click.option("--older-than", type=Age(), metavar="AGE", help="What of that is older, such as 90d or 12w.")
@click.option("--due", is_flag=True, help="What of that is due: certificates near their end, and values past max_age.")
@click.option("--registered", is_flag=True, help="The next keys of NAME are registered: let them count.")
@workspace_options
@author_options
@engine_options
@output_options
@click.pass_obj
def command(
    console: Console,
    where: Where,
    author: Author | None,
    engine: Engine,
    names: tuple[str, ...],
    everything: bool,
    older_than: timedelta | None,
    due: bool,
    registered: bool,
) -> int:
    """Call the pipeline, and show what it did."""
    from generator.pipeline.rotate import rotate
    from generator.secrets.selection import Order

    chosen = sum((bool(names), everything, older_than is not None, due))
    if chosen != 1:
        raise BadInputError(
            "say what is to be replaced, in one way: names, --all, --older-than or --due",
            fix="`fmc secret list` shows what there is, and how old it is.",
        )
    if registered and not names:
        raise BadInputError("--registered is about keys that are named", fix="Name their secrets: `fmc secret list`.")
    order = Order(names, everything=everything, older_than=older_than, due=due, registered=registered)
    session = where.open(console)
    report = rotate(session, _with_given(session, order), author, engine, console)
    show(console, report)
    return 0


def show(console: Console, report: RotateReport) -> None:
    """Print what a rotation did, and what is left to do."""
    console.document(_document(report))
    lines = [*_done(report), *_to_do(report)]
    for line in lines or ["Nothing to do."]:
        console.result(line)


def _done(report: RotateReport) -> Iterator[str]:
    if report.resumed:
        yield "An interrupted rotation was brought to its end. To replace the same once more, run it again."
    for secret, name in report.rotated:
        yield f"rotated: {secret}: {name}"
    for found in report.restarts:
        yield f"restarts with {found.secret}: {found.file}, line {found.line}"
    restarting = {found.secret for found in report.restarts}
    for secret, readers in report.readers.items():
        names = ", ".join(readers.names)
        if secret in restarting:
            continue
        if readers.noticed:
            yield f"{secret} reaches {names or 'its readers'} {readers.noticed}"
        elif names:
            yield f"no pod is told to restart with {secret}, which is read by {names}"


def _to_do(report: RotateReport) -> Iterator[str]:
    for key in report.prepared:
        yield f"Register beside the old key, then run the same command with --registered: {key.line}"
    for key in report.retired:
        yield f"Take the old key of {key.secret} away where it is registered, once Argo CD has delivered: {key.line}"
    for left in report.left:
        yield f"left to you: {left.secret}: {left.value}: {left.what}"
    for playbook in report.playbooks:
        yield f"Next, in infra/ansible, for the machines: ansible-playbook playbooks/{playbook}"
    yield from pushed_lines(report.pushed)


def _document(report: RotateReport) -> dict[str, Any]:
    return {
        "rotated": [f"{secret}: {name}" for secret, name in report.rotated],
        "resumed": report.resumed,
        "register": [{"secret": key.secret, "value": key.value, "public_key": key.line} for key in report.prepared],
        "retired": [{"secret": key.secret, "value": key.value, "public_key": key.line} for key in report.retired],
        "left": [{"secret": left.secret, "value": left.value, "what": left.what} for left in report.left],
        "restarts": [{"secret": one.secret, "file": str(one.file), "line": one.line} for one in report.restarts],
        "noticed": [
            {"secret": secret, "readers": list(readers.names), "when": readers.noticed}
            for secret, readers in report.readers.items()
            if readers.noticed
        ],
        "playbooks": list(report.playbooks),
        **pushed_document(report.pushed),
    }


def _with_given(session: Session, order: Order) -> Order:
    """Ask for the value that somebody else issued, where the order names one, and it is given in no variable."""
    from dataclasses import replace

    from generator.pipeline.rotate import lacking

    missing = lacking(session, order) if order.names else ()
    if len(missing) != 1:
        return order
    ((secret, name),) = missing
    if sys.stdin.isatty():
        prompt = f"New value of {secret}: {name}"
        content = click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True).encode()
    else:
        content = sys.stdin.buffer.read()
    return replace(order, given={(secret, name): content})
