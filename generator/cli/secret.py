"""`fmc secret`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console

HELP = """
\b
Examples:
  fmc secret list
  fmc secret set argocd/git-credentials
  pass show git/argocd | fmc secret set argocd/git-credentials token
  fmc secret show argocd/argocd-secret
  fmc secret show machines/k3s agent-token
"""


@click.group("secret", help=help_of("secret", HELP))
def command() -> None:
    """Hold the verbs."""


@command.command("list")
@workspace_options
@output_options
@click.pass_obj
def list_command(console: Console, where: Where) -> int:
    """Show each value: its origin, when it was made and is due, its readers, its state. No plaintext is shown."""
    from generator.pipeline.secret import list_values

    rows = list_values(where.open())
    if console.json_output:
        console.document(
            {
                "secrets": [
                    {
                        "secret": row.id,
                        "value": row.value,
                        "generator": row.generator,
                        "made_at": row.made_at,
                        "due_at": row.due_at,
                        "consumers": row.consumers,
                        "state": row.state,
                        "environment": row.env,
                    }
                    for row in rows
                ]
            }
        )
        return 0
    console.table(
        "Secrets",
        ("secret", "value", "from", "made", "due", "state", "read by"),
        [
            (
                row.id,
                row.value,
                row.generator.value,
                f"{row.made_at:%Y-%m-%d %H:%M}" if row.made_at else "",
                f"{row.due_at:%Y-%m-%d}" if row.due_at else "",
                row.state.value,
                ", ".join(row.consumers),
            )
            for row in rows
        ],
    )
    return 0


@command.command("set")
@click.argument("secret", metavar="NAMESPACE/NAME")
@click.argument("value", required=False)
@workspace_options
@output_options
@click.pass_obj
def set_command(console: Console, where: Where, secret: str, value: str | None) -> int:
    """Put a value into the vault.

    It is typed at a prompt that does not show it, or read from a pipe; it is never an argument, which others could
    read. VALUE names one of the secret's values, and may be left out where there is only one. Line ends after a single
    line are dropped; what has several lines, such as a private key, is taken as a file.
    """
    from generator.pipeline.secret import set_one

    if sys.stdin.isatty():
        content = click.prompt(f"Value of {secret}", hide_input=True, confirmation_prompt=True, err=True).encode()
    else:
        content = sys.stdin.buffer.read()
    report = set_one(where.open(), secret, value, content)
    if console.json_output:
        console.document({"secret": report.secret, "value": report.value, "changed": report.changed})
    elif report.changed:
        kind = " as a file of several lines" if report.is_file else ""
        then = " Next: fmc seal" if report.is_sealable else " It is sealed nowhere: Ansible takes it to the machines."
        console.result(f"{report.secret}: {report.value} is in the vault{kind}.{then}")
    else:
        console.result(f"{report.secret}: {report.value} is what the vault has already. Nothing to do.")
    return 0


@command.command("show")
@click.argument("secret", metavar="NAMESPACE/NAME")
@click.argument("value", required=False)
@click.option("--public", is_flag=True, help="Print the public half of a key pair, which is no secret.")
@click.option("--yes", is_flag=True, help="Don't ask before a value is shown on a terminal.")
@workspace_options
@click.pass_obj
def show_command(console: Console, where: Where, secret: str, value: str | None, public: bool, yes: bool) -> int:
    """Print a value in the clear: a password, a token or a key.

    Into a pipe it goes at once; a file that it goes to becomes readable for you alone. On a terminal, where others may
    look on and its history stays, fmc asks first. VALUE may be left out where there is only one.
    """
    from generator.cli.plaintext import keep_from_others
    from generator.pipeline.secret import show_one

    shown = show_one(where.open(), secret, value, public=public)
    if sys.stdout.isatty() and not (public or yes):
        click.confirm(f"Show {shown.value} of {shown.secret} in the clear, here?", abort=True, err=True)
    if not public:
        keep_from_others(console)
    if shown.is_sealed is False:
        console.note(f"{shown.value} of {shown.secret} is not sealed yet: the cluster does not have it. Next: fmc seal")
    content = shown.content.reveal()
    sys.stdout.flush()
    sys.stdout.buffer.write(content if content.endswith(b"\n") else content + b"\n")
    sys.stdout.buffer.flush()
    return 0
