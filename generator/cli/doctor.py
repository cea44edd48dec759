"""`fmc doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.console import Console

HELP = """
--install gets kubeconform, the version that fmc was tested with, into fmc's own folder: built by `go install` where Go
is there and can, else from its release for Linux on amd64 or arm64. Hashes of both are pinned. Without kubeconform,
manifests are validated by the built-in engine.

\b
Examples:
  fmc doctor
  fmc doctor --install
"""


@click.command("doctor", help=help_of("doctor", HELP))
@click.option("--install", is_flag=True, help="Install kubeconform into fmc's own folder.")
@output_options
@click.pass_obj
def command(console: Console, install: bool) -> int:
    """Call the pipeline, and show what is there."""
    from generator.pipeline.doctor import examine
    from generator.tools.install import install_kubeconform

    if install:
        with console.step("install kubeconform"):
            console.note(f"    {install_kubeconform()}")
    requirements = examine()
    missing = [each.name for each in requirements if each.needed and not each.found]
    if console.json_output:
        console.document({"tools": [each.as_dict() for each in requirements]})
        return 4 if missing else 0
    console.table(
        "This machine",
        ("what", "found", "for"),
        [(each.name, each.found or ("MISSING" if each.needed else "not there"), each.purpose) for each in requirements],
    )
    console.result(f"Missing: {', '.join(missing)}" if missing else "Next: fmc new")
    return 4 if missing else 0
