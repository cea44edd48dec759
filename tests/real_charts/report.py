"""docs/charts.md: the run with the real charts, written down."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.real_charts.judge import Verdict

PAGE = ROOT / "docs/charts.md"
HEAD = Path(__file__).with_name("head.md")


def page(verdicts: Sequence[Verdict], absent: Sequence[str]) -> str:
    """Return the page for a run.

    Args:
        verdicts: What was found.
        absent: The charts that were not there.
    """
    today = datetime.datetime.now(datetime.UTC).date()
    lines = [HEAD.read_text() + f"\n## The run of {today}\n"]
    lines += [
        "| Row | Chart | Pinned | Rendered | Objects | Values, all with an effect | Images |",
        "|--|--|--|--|--|--|--|",
    ]
    lines += [f"| {' | '.join(_cells(verdict))} |" for verdict in verdicts]
    if absent:
        lines.append(f"\nAbsent: {', '.join(absent)}.")
    faults = [f"- {one.row['name']}: {fault}" for one in verdicts for fault in one.faults]
    lines += ["\nFaults:\n", *faults] if faults else ["\nNo faults."]
    return "\n".join(lines) + "\n"


def _cells(verdict: Verdict) -> tuple[str, ...]:
    row, leaves = verdict.row, str(verdict.leaves)
    if verdict.idle:
        leaves += ", without one: " + ", ".join(f"`{place}`" for place in verdict.idle)
    counted = str(verdict.objects), leaves, str(len(verdict.images))
    return (row["name"], row["chart"], row["version"], verdict.chart.version, *counted)
