"""`fmc backup`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.verbs import help_of
from generator.wording import command as shown

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console

HELP = """
The file has the answers, the vault with all sealing keys, each repository with every branch and commit, pushed or not,
Terraform's state, and what fmc remembers of the workspace. It is encrypted to whoever opens the vault, readable for
you alone (0600), and appears whole or not at all. Files that nobody has committed are not in it; they are named.

Keep it on another machine, and the recovery identity elsewhere. Stock programs open it, too:
`age --decrypt --identity ~/.config/fmc/identity.txt FILE | tar --extract`; its README.txt says what each file is.

\b
Examples:
  fmc backup /mnt/usb/home.age
  fmc backup --workspace ~/clusters/home ~/backups/home-monday.age --force
"""


@click.command("backup", help=help_of("backup", HELP))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE, if it is there; until the new one is whole, it stays.")
@workspace_options
@output_options
@click.pass_obj
def command(console: Console, where: Where, file: Path, force: bool) -> int:
    """Call the pipeline, and show what is in the backup."""
    from generator.pipeline.backup import backup

    made = backup(where.open(console), file, force, console)
    console.document(
        {
            "file": str(made.path),
            "bytes": made.size,
            "cluster": made.manifest.cluster,
            "made": made.manifest.made,
            "recipients": made.recipients,
            "repositories": [
                {"part": one.part, "branch": one.branch, "commit": one.commit, "uncommitted": one.uncommitted}
                for one in made.manifest.repositories
            ],
        }
    )
    for one in made.manifest.repositories:
        for name in one.uncommitted:
            console.note(f"not committed, and not in the backup: {one.folder}/{name}")
    console.table(
        "In the backup",
        ("repository", "branch", "commit"),
        [(one.folder, one.branch, one.commit[:12]) for one in made.manifest.repositories],
    )
    console.result(f"{made.path}: {made.size:,} bytes, opened by {len(made.recipients)} identities.")
    console.result(f"Next: bring it to another machine, and try it: {shown('fmc', 'drill', str(file))}")
    return 0
