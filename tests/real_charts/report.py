"""docs/charts.md: the run with the real charts, written down."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.template.argocd_tree import ROWS
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.real_charts.judge import Verdict

PAGE = ROOT / "docs/charts.md"
HEAD = Path(__file__).with_name("head.md")
_TITLES = "| Row | Chart | Pinned | Rendered | Objects | Values, all with an effect | Images | Date |"


def page(verdicts: Sequence[Verdict], absent: Sequence[str], before: str) -> str:
    """Return the page for a run.

    Args:
        verdicts: What was found.
        absent: The charts that were not there.
        before: The page as it is: it keeps what it says of charts that were not there.
    """
    today = datetime.datetime.now(datetime.UTC).date()
    order = [row["name"] for row in ROWS]
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in before.splitlines() if line.startswith("| ")}
    rows = {name: line for name, line in rows.items() if name in order}
    rows |= {one.row["name"]: f"| {' | '.join((*_cells(one), str(today)))} |" for one in verdicts}
    lines = [HEAD.read_text() + f"\n## The run of {today}\n", _TITLES, "|--|--|--|--|--|--|--|--|"]
    lines += [rows[name] for name in sorted(rows, key=lambda name: order.index(name) if name in order else len(order))]
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
