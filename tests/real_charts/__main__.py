"""`make charts`: the real charts with the product's values. See docs/charts.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real_charts.judge import judge, manifests_of
from tests.real_charts.record import RECORD, read, recorded, write
from tests.real_charts.render import Definitions, RenderError, parsed, render_text
from tests.real_charts.report import PAGE, page
from tests.real_charts.source import find
from tests.template.argocd_tree import CLUSTERS, ROWS, Cluster, render_cluster
from tests.template.components import is_application, is_chart, is_there
from tests.template.conftest import rendering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.real_charts.judge import Verdict
    from tests.real_charts.source import Chart
    from tests.template.components import Row


def main(arguments: Sequence[str]) -> int:
    """Judge the rows that are named, or all; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.real_charts",
        description="Renders the real charts with the product's values and looks closely. FMC_CHARTS is a folder with "
        "charts: NAME-VERSION.tgz or a folder NAME.",
    )
    parser.add_argument("names", nargs="*", metavar="ROW", help="rows of lib/components.jinja; all without one")
    parser.add_argument("--quick", action="store_true", help="without the effect test")
    parser.add_argument(
        "--record", action="store_true", help=f"write the images into {RECORD.name} instead of comparing"
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}, with today's date")
    options = parser.parse_args(arguments)
    if options.write and (options.quick or options.names):
        parser.error("--write wants a whole run: without names, and without --quick")
    rows = [row for row in ROWS if is_application(row)]
    if unknown := set(options.names) - {row["name"] for row in rows}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(row['name'] for row in rows)}")
    with tempfile.TemporaryDirectory() as folder:
        return _run([row for row in rows if not options.names or row["name"] in options.names], options, Path(folder))


def _run(rows: list[Row], options: argparse.Namespace, work: Path) -> int:
    (work / "rendered").mkdir()
    render = rendering(work / "rendered")
    clusters = {name: render_cluster(render, name) for name in CLUSTERS}
    charts, absent = _charts(work / "charts")
    definitions = Definitions(work / "schemas")
    _learn(charts, clusters, definitions, work)
    verdicts, faults = [], 0
    known = read()
    for row in rows:
        there = {name: cluster for name, cluster in clusters.items() if is_there(row, cluster.answers)}
        if row["name"] in charts:
            started = time.monotonic()
            verdict = judge(row, charts[row["name"]], there, definitions, work, effect=not options.quick)
            if not options.record:
                verdict.faults += recorded(verdict, known)
            verdicts.append(verdict)
            _say(verdict, time.monotonic() - started)
            faults += len(verdict.faults)
        elif not is_chart(row):
            objects = [item for cluster in there.values() for item in manifests_of(row, cluster)]
            for fault in definitions.faults(objects, work):
                print(f"{row['name']}: {fault}")
                faults += 1
    if options.record:
        write(verdicts, known, ROWS)
        print(f"Wrote {RECORD.name}: {', '.join(verdict.row['name'] for verdict in verdicts) or 'nothing new'}")
    if options.write:
        PAGE.write_text(page(verdicts, absent, PAGE.read_text()))
        print(f"Wrote docs/{PAGE.name}")
    if absent:
        print(f"Absent: {', '.join(absent)}; FMC_CHARTS=DIR brings them")
    print(f"{len(verdicts)} charts, {sum(one.objects for one in verdicts)} objects: {faults or 'no'} faults")
    return int(bool(faults))


def _charts(work: Path) -> tuple[dict[str, Chart], list[str]]:
    """Return the charts that are here by row, and the names of those that are not."""
    work.mkdir()
    charts, absent = {}, []
    for row in ROWS:
        if is_chart(row):
            folder = work / row["name"]
            folder.mkdir()
            try:
                chart = find(row, folder)
            except LookupError as error:
                print(f"{row['name']}: {error}", file=sys.stderr)
                chart = None
            if chart is None:
                absent.append(row["chart"])
            else:
                charts[row["name"]] = chart
    return charts, absent


def _learn(charts: Mapping[str, Chart], clusters: Mapping[str, Cluster], definitions: Definitions, work: Path) -> None:
    """Take the definitions of all charts that are here: charts make objects of each other's kinds."""
    for row in ROWS:
        for cluster in clusters.values():
            if row["name"] in charts and is_there(row, cluster.answers):
                try:
                    text = render_text(row, charts[row["name"]], cluster.values(row["name"]), work)
                except RenderError:
                    # It is told when the row is judged.
                    continue
                definitions.add(parsed(text))
                break


def _say(verdict: Verdict, seconds: float) -> None:
    row, chart = verdict.row, verdict.chart
    version = (
        chart.version
        if chart.version.lstrip("v") == row["version"].lstrip("v")
        else f"{chart.version} (pinned: {row['version']})"
    )
    tested = f", {verdict.leaves} values" if verdict.leaves else ""
    print(f"{row['name']} {version}, {chart.origin}: {verdict.objects} objects{tested}, {seconds:.0f} s", flush=True)
    for fault in verdict.faults:
        print(f"    {fault}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
