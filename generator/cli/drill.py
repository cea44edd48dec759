"""`fmc drill`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import identity_option, output_options, workspace_option
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.console import Console

HELP = """
It takes nothing but the backup and an identity. On a throw-away control plane on this machine (etcd, an API server, the
sealed-secrets controller; ports of loopback, no root) it restores the sealing keys, applies every sealed manifest,
waits until all are unsealed, and compares each Secret with the vault, byte by byte. All of it is removed, also after
Ctrl-C. The three programs are looked for in FMC_TOOLS_DIR, then on PATH.

--level restore needs no servers: the backup is restored, and fmc unseals and compares by itself.

The result goes to stdout, and with --report into a dated page without values. Of a drill that went well the workspace
notes the date; `fmc check` warns after 90 days.

\b
Examples:
  fmc drill /mnt/usb/home.age
  fmc drill /mnt/usb/home.age --report drills --identity /mnt/safe/recovery-identity.txt
  fmc drill /mnt/usb/home.age --level restore
"""


@click.command("drill", help=help_of("drill", HELP))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--level",
    type=click.Choice(["cluster", "restore"]),
    default="cluster",
    show_default=True,
    help="cluster: on a control plane; restore: by fmc alone.",
)
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the control plane may take.",
)
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the report there, as drill-CLUSTER-DATE.md; one of the same minute is replaced.",
)
@workspace_option
@identity_option
@output_options
@click.pass_obj
def command(
    console: Console,
    file: Path,
    level: str,
    seconds: float,
    folder: Path | None,
    workspace: Path,
    identity: Path | None,
) -> int:
    """Call the pipeline, and show what came back."""
    from generator.files import write_atomic
    from generator.pipeline.drill import drill, note_drill

    report = drill(file, identity, level, seconds, console)
    page = None
    if folder is not None:
        page = folder / f"drill-{report.cluster}-{report.held:%Y-%m-%d-%H%M}.md"
        write_atomic(page, report.markdown().encode())
    noted = note_drill(report, workspace)
    console.document(
        {
            "cluster": report.cluster,
            "backup_made": report.made.isoformat(),
            "held": report.held.isoformat(timespec="seconds"),
            "level": report.level,
            "passed": report.is_good,
            "noted": noted,
            "report": str(page) if page else None,
            "secrets": [
                {"secret": one.secret, "keys": one.keys, "compared": one.keys - one.unknown, "problems": one.problems}
                for one in report.verdicts
            ],
        }
    )
    console.table(
        f"Drill of {report.cluster} ({report.level}, {report.seconds:.0f} s)",
        ("Secret", "keys", "compared", ""),
        [
            (one.secret, str(one.keys), str(one.keys - one.unknown), "; ".join(one.problems) or "as it was")
            for one in report.verdicts
        ],
    )
    good = sum(not one.problems for one in report.verdicts)
    console.result(f"{good} of {len(report.verdicts)} Secrets came back as they were.")
    if page:
        console.result(f"Report: {page}")
    if report.is_good:
        where = "noted in the workspace" if noted else "not noted: this is no workspace of that cluster"
        console.result(f"Next: hold the next one within 90 days ({where})")
    else:
        console.result("Next: `fmc check` in the workspace, correct what it names, and make another backup")
    return 0 if report.is_good else 1
