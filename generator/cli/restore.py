"""`fmc restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import identity_option, output_options
from generator.cli.verbs import help_of
from generator.wording import command as shown

if TYPE_CHECKING:
    from generator.console import Console

HELP = """
It needs the backup and an identity that opened the vault when the backup was made: yours, or the recovery identity. No
remote is asked. Everything is decrypted and compared with the backup's own checksums beside FOLDER, and appears there
in one step; what is damaged, or was changed by somebody, leaves nothing. Answers, vault, branches and commits are then
what they were, byte by byte. What the remotes have besides, `fmc check` and `fmc push` say.

\b
Examples:
  fmc restore /mnt/usb/home.age --workspace ~/clusters/home
  fmc restore home.age --workspace home --identity /mnt/safe/recovery-identity.txt
"""


@click.command("restore", help=help_of("restore", HELP))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--workspace",
    "root",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="The folder to make; it may be there if it is empty.",
)
@identity_option
@output_options
@click.pass_obj
def command(console: Console, file: Path, root: Path, identity: Path | None) -> int:
    """Call the pipeline, and show what came back."""
    from generator.pipeline.restore import restore

    restored = restore(file, root, identity, console)
    manifest = restored.manifest
    console.document(
        {
            "workspace": str(restored.root),
            "cluster": manifest.cluster,
            "made": manifest.made,
            "repositories": [
                {"part": one.part, "branch": one.branch, "commit": one.commit, "uncommitted": one.uncommitted}
                for one in manifest.repositories
            ],
        }
    )
    for one in manifest.repositories:
        for name in one.uncommitted:
            console.note(f"was not committed, and is as in the last commit: {one.folder}/{name}")
    console.table(
        "Restored",
        ("repository", "branch", "commit"),
        [(one.folder, one.branch, one.commit[:12]) for one in manifest.repositories],
    )
    console.result(f"{restored.root}: the cluster {manifest.cluster}, as it was on {manifest.made}.")
    check = shown("fmc", "check", "--workspace", str(root))
    console.result(f"Next: {check}, then `fmc push` says what the remotes have besides")
    return 0
