"""`fmc vault`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console

HELP = """
It is an age file: `age --decrypt --identity ~/.config/fmc/identity.txt vault.age` opens it, too.

\b
Examples:
  fmc vault recipients list
  fmc vault recipients add age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq
  fmc vault merge ~/from-ada/vault.age
"""


@click.group("vault", help=help_of("vault", HELP))
def command() -> None:
    """Hold the verbs."""


@command.group("recipients")
def recipients_group() -> None:
    """See and change who opens the vault: age public keys, or Ed25519 keys of SSH.

    At least two are needed, so that a lost identity is no lost cluster. Those that the answers name
    (vault_recipients) follow the answers; the others are yours to add and to take out.
    """


@recipients_group.command("list")
@workspace_options
@output_options
@click.pass_obj
def list_command(console: Console, where: Where) -> int:
    """Show who opens the vault."""
    from generator.pipeline.vault import recipients

    rows = recipients(where.open())
    console.document(
        {"recipients": [{"key": row.public_key, "own": row.is_own, "in_answers": row.is_named} for row in rows]}
    )
    notes = [(row.public_key, "yours" if row.is_own else "the answers name it" if row.is_named else "") for row in rows]
    console.table("Recipients", ("public key", ""), notes)
    return 0


@recipients_group.command("add")
@click.argument("public_key")
@workspace_options
@output_options
@click.pass_obj
def add_command(console: Console, where: Where, public_key: str) -> int:
    """Let somebody open the vault from now on, with all that it holds."""
    from generator.pipeline.vault import add

    added = add(where.open(), public_key)
    console.document({"added": added})
    console.result("The vault opens for it from now on." if added else "It opens the vault already. Nothing to do.")
    return 0


@recipients_group.command("remove")
@click.argument("public_key")
@workspace_options
@output_options
@click.pass_obj
def remove_command(console: Console, where: Where, public_key: str) -> int:
    """Take somebody out. Copies of the vault that were made before still open for them."""
    from generator.pipeline.vault import remove

    remove(where.open(), public_key)
    console.document({"removed": True})
    console.result(
        "The vault no longer opens for it. Copies made before still do, and what was read stays read: "
        "replace the values, too (`fmc rotate --all`)."
    )
    return 0


@command.command("merge")
@click.argument("other", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--keep",
    multiple=True,
    metavar="NAMESPACE/NAME",
    help="Where both have replaced this secret, this vault's value counts; may be repeated.",
)
@click.option(
    "--take",
    multiple=True,
    metavar="NAMESPACE/NAME",
    help="Where both have replaced this secret, the other one's value counts; may be repeated.",
)
@workspace_options
@output_options
@click.pass_obj
def merge_command(console: Console, where: Where, other: Path, keep: tuple[str, ...], take: tuple[str, ...]) -> int:
    """Take what another copy of this vault has newer, or besides; the other file stays as it is.

    Each value names those that it replaced, so that the newer one is known without a clock. Where both copies have
    replaced the same value, nothing is written until --keep or --take decides; what does not count stays among the
    versions. Who opens the vault stays as it is here.
    """
    from generator.pipeline.vault import merge
    from generator.secrets.merge import Choice

    report = merge(where.open(), other, Choice(frozenset(keep), frozenset(take)))
    console.document(
        {
            "taken": report.taken,
            "sealing_keys": report.keys,
            "not_recipients_here": report.strangers,
            "changed": report.changed,
        }
    )
    for name in report.taken:
        console.result(f"taken: {name}")
    for name in report.keys:
        console.result(f"taken: the sealing key {name}")
    for key in report.strangers:
        console.result(f"{key} opens the other copy, and not this vault: `fmc vault recipients add` would let it.")
    console.result("Next: fmc seal, fmc check, fmc push" if report.changed else "Nothing to do.")
    return 0
