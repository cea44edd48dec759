"""`fmc check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.new import parsed
from generator.cli.options import engine_options, output_options, workspace_options
from generator.cli.verbs import help_of
from generator.findings import Severity

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console
    from generator.pipeline.steps.gate import Engine

UNCOMMITTED = "delivery/uncommitted"
HELP = """
Looks at every file, manifest and sealed secret, and at the commits that a push would publish. All findings come at
once, each with its place, its reason and its fix. Nothing is changed.

\b
Examples:
  fmc check
  fmc check --workspace ~/clusters/home --output json
  fmc check --answers answers.yaml
"""


@click.command("check", help=help_of("check", HELP))
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check this answers file instead of repositories.",
)
@click.option("--set", "data", multiple=True, metavar="NAME=VALUE", help="One answer; wins over the file.")
@workspace_options
@engine_options
@output_options
@click.pass_obj
def command(console: Console, answers: Path | None, data: tuple[str, ...], where: Where, engine: Engine) -> int:
    """Call the pipeline, and show the findings."""
    if answers is not None:
        return _answers(answers, data, console)
    from generator.pipeline.check import check

    repositories, report = check(where.open(console), engine, console)
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    warnings = len(report.findings) - errors
    if console.json_output:
        console.document(
            {
                "workspace": str(repositories.workspace.root),
                "files": report.files,
                "documents": report.documents,
                "engine": report.engine,
                "findings": [finding.as_dict() for finding in report.findings],
            }
        )
        return 1 if errors else 0
    console.findings(report.findings)
    console.result(
        f"Checked {report.files} files, {report.documents} manifests ({report.engine}): "
        f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}."
    )
    uncommitted = any(finding.rule == UNCOMMITTED for finding in report.findings)
    following = "commit, then fmc push" if uncommitted else "fmc push"
    console.result("Next: " + ("correct them, then `fmc check`" if errors else following))
    return 1 if errors else 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _answers(path: Path, data: tuple[str, ...], console: Console) -> int:
    from generator.pipeline.check import check_answers

    loaded = check_answers(path, parsed(data), console)
    if console.json_output:
        console.document({"answers": str(path), "findings": [finding.as_dict() for finding in loaded.warnings]})
        return 0
    console.findings(loaded.warnings)
    machines = "which is there already" if loaded.plan.existing else f"{len(loaded.plan.nodes)} machines"
    console.result(f"{path} is good: cluster {loaded.answers.name}, {machines}.")
    console.result(f"Next: fmc new --answers {path}")
    return 0
