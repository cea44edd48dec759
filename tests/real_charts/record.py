"""The recorded images, lib/images.json: what fmc knows of charts, which it never has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.template.components import is_chart
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.real_charts.judge import Verdict
    from tests.template.components import Row

RECORD = ROOT / "lib/images.json"
Recorded = dict[str, dict[str, Any]]


def read() -> Recorded:
    """Return what is recorded, by row."""
    known: Recorded = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    return known


def entry(verdict: Verdict) -> dict[str, Any]:
    """Return what is recorded of a chart: its pin, the version that was rendered, and the images."""
    row = verdict.row
    return {
        "chart": row["chart"],
        "version": row["version"],
        "rendered": verdict.chart.version,
        "images": verdict.images,
    }


def recorded(verdict: Verdict, known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return how a chart differs from what is recorded of it, one line each."""
    old, new = known.get(verdict.row["name"]), entry(verdict)
    if old is None or not old["rendered"]:
        return ["its images are not recorded: make charts-record"]
    if old["rendered"] != new["rendered"]:
        # Another release than the recorded one is here: what it names proves nothing.
        return [] if old["version"] == new["version"] else [f"recorded is {old['version']}: make charts-record"]
    if old != new:
        missing, more = set(new["images"]) - set(old["images"]), set(old["images"]) - set(new["images"])
        told = [f"{image} is not recorded" for image in sorted(missing)]
        told += [f"{image} is recorded, and not there" for image in sorted(more)]
        return [f"{line}: make charts-record" for line in told or ["the recorded version is another one"]]
    return []


def write(verdicts: Sequence[Verdict], known: Mapping[str, Mapping[str, Any]], table: Sequence[Row]) -> None:
    """Record what was found; of a chart that is not here stays what was recorded, if only that nothing is known."""
    found = {verdict.row["name"]: entry(verdict) for verdict in verdicts}
    new = {}
    for row in table:
        if is_chart(row):
            nothing = {"chart": row["chart"], "version": row["version"], "rendered": "", "images": []}
            kept = {**nothing, **known.get(row["name"], {}), "version": row["version"]}
            new[row["name"]] = found.get(row["name"], kept)
    RECORD.write_text(json.dumps(new, indent=2, sort_keys=True) + "\n")
