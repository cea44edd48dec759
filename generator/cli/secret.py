"""`fmc secret`."""

from __future__ import annotations

import sys
from pathlib import Path
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
  kubectl get secret database --namespace shop --output yaml | fmc secret import -
  fmc secret show argocd/argocd-secret
  fmc secret show machines/k3s agent-token
  fmc secret history argocd/argocd-secret
  fmc secret rename shop-production/database shop-production/shop-database
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


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@workspace_options
@output_options
@click.pass_obj
def import_command(console: Console, where: Where, file: Path) -> int:
    """Adopt Secrets that are there already: entries in secrets/catalogue.user.yaml, values in the vault.

    FILE holds SealedSecrets, which the vault's keys open, one or several, of any scope; `-` is a pipe, through which
    Secrets in the clear come as well. Type, labels, annotations, scope and immutability stay what they are. Then
    `fmc seal` writes the sealed manifests; the file that had them is yours to remove, in the same commit.
    """
    from generator.pipeline.secret import import_one

    report = import_one(where.open(), file)
    console.document({"taken": report.taken, "known": report.known})
    for name in report.taken:
        console.result(f"taken: {name}")
    for name in report.known:
        console.result(f"the catalogue and the vault have it already: {name}")
    if report.taken:
        console.result("Next: fmc seal; then remove the manifests that had them, and commit it all together")
    return 0


@command.command("show")
@click.argument("secret", metavar="NAMESPACE/NAME")
@click.argument("value", required=False)
@click.option("--public", is_flag=True, help="Print the public half of a key pair, which is no secret.")
@click.option(
    "--version", type=click.IntRange(min=0), default=0, metavar="N", help="An older one: 1 is the one before."
)
@click.option("--reveal", "--yes", "yes", is_flag=True, help="Don't ask before a value is shown on a terminal.")
@click.option("--clipboard", is_flag=True, help="Copy it to the clipboard, and print nothing.")
@click.option(
    "--clear-after",
    type=click.IntRange(0, 3600),
    default=45,
    show_default=True,
    metavar="SECONDS",
    help="When the clipboard is emptied again, unless something else is in it by then; 0 leaves it.",
)
@workspace_options
@click.pass_obj
def show_command(
    console: Console,
    where: Where,
    secret: str,
    value: str | None,
    public: bool,
    version: int,
    yes: bool,
    clipboard: bool,
    clear_after: int,
) -> int:
    """Print a value in the clear: a password, a token or a key.

    Into a pipe it goes at once; a file that it goes to becomes readable for you alone. On a terminal, where others may
    look on and its history stays, fmc asks first. With --clipboard it goes there, through a pipe to wl-copy, xclip or
    pbcopy. VALUE may be left out where there is only one. `fmc secret history` has the numbers of older versions.
    """
    from generator.cli.plaintext import keep_from_others
    from generator.pipeline.secret import show_one

    shown = show_one(where.open(), secret, value, public=public, version=version)
    if clipboard:
        from generator.tools.clipboard import copy

        copy(shown.content.reveal(), clear_after)
        after = f"; it is emptied after {clear_after} seconds" if clear_after else ""
        console.note(f"{shown.value} of {shown.secret} is in the clipboard{after}.")
        return 0
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


@command.command("history")
@click.argument("secret", metavar="NAMESPACE/NAME")
@click.argument("value", required=False)
@workspace_options
@output_options
@click.pass_obj
def history_command(console: Console, where: Where, secret: str, value: str | None) -> int:
    """Show the versions of a value that the vault has: when each was made and replaced. No plaintext is shown.

    The vault keeps the last eight that were replaced; `fmc secret show --version N` prints one. The revision is what
    the sealed manifest names it, so that `git log` tells who delivered it.
    """
    from generator.pipeline.secret import history_of

    name, versions = history_of(where.open(), secret, value)
    console.document(
        {
            "secret": secret,
            "value": name,
            "versions": [
                {
                    "version": one.number,
                    "made_at": one.made_at,
                    "replaced_at": one.replaced_at,
                    "revision": one.revision,
                }
                for one in versions
            ],
        }
    )
    console.table(
        f"{secret}: {name}",
        ("version", "made", "replaced", "revision"),
        [
            (
                str(one.number),
                f"{one.made_at:%Y-%m-%d %H:%M}",
                f"{one.replaced_at:%Y-%m-%d %H:%M}" if one.replaced_at else "",
                one.revision,
            )
            for one in versions
        ],
    )
    return 0


@command.command("edit")
@click.argument("secret", metavar="NAMESPACE/NAME")
@click.argument("value", required=False)
@workspace_options
@output_options
@click.pass_obj
def edit_command(console: Console, where: Where, secret: str, value: str | None) -> int:
    """Change a value in your editor ($VISUAL, or $EDITOR), and put it into the vault.

    The editor gets a file in memory, for you alone, which is gone when it ends. It may still keep copies elsewhere,
    such as vim's ~/.viminfo. Not for values that are one line: `fmc secret set` asks for those.
    """
    from generator.cli.plaintext import edited
    from generator.pipeline.secret import set_one, show_one

    session = where.open()
    shown = show_one(session, secret, value)
    report = set_one(session, secret, shown.value, edited(shown.content.reveal()))
    console.document({"secret": report.secret, "value": report.value, "changed": report.changed})
    console.result(
        f"{report.secret}: {report.value} is in the vault. Next: fmc seal" if report.changed else "Nothing was changed."
    )
    return 0


@command.command("rename")
@click.argument("old", metavar="NAMESPACE/NAME")
@click.argument("new", metavar="NAMESPACE/NAME")
@workspace_options
@output_options
@click.pass_obj
def rename_command(console: Console, where: Where, old: str, new: str) -> int:
    """Give a secret of secrets/catalogue.user.yaml another name, with the values that it has, all versions of them.

    Its entry gets the new name, and the places are named in which manifests and values of charts have the old one:
    they are yours to change. `fmc seal` then seals it anew and deletes the old manifest.
    """
    from generator.pipeline.secret import rename_one

    session = where.open()
    found = rename_one(session, old, new)
    places = [f"{one.file.relative_to(session.workspace.root)}:{one.line}" for one in found]
    console.document({"old": old, "new": new, "mentions": places})
    console.result(f"{old} is called {new} from now on, with the same values.")
    for place in places:
        console.result(f"the old name stands in {place}")
    console.result(f"Next: {'change these, then ' if places else ''}fmc seal, fmc check, and commit it all together")
    return 0
