"""lib/images.json: every chart of the table has an entry, and a chart that names other images is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from generator.mirror.references import whole
from tests.real_charts import record
from tests.real_charts.judge import Verdict
from tests.real_charts.record import entry, read, recorded
from tests.real_charts.report import HEAD, PAGE, page
from tests.real_charts.source import Chart
from tests.template.argocd_tree import ROWS
from tests.template.components import TABLE, environment, is_chart
from tests.template.conftest import ROOT

ROW: dict[str, Any] = {"name": "sample", "chart": "a-chart", "version": "1.2.3"}
OLD = {"chart": "a-chart", "version": "1.2.3", "rendered": "1.2.3", "images": ["docker.io/a/b:1", "docker.io/a/c:1"]}


def verdict(version: str, *images: str, row: dict[str, Any] = ROW) -> Verdict:
    return Verdict(row, Chart(Path(), version, "archive"), objects=3, leaves=2, images=list(images))


@pytest.mark.parametrize("row", [row for row in ROWS if is_chart(row)], ids=lambda row: row["name"])
def test_the_images_of_each_chart_are_recorded_at_its_version(row: dict[str, Any]) -> None:
    told = read().get(row["name"])
    assert told is not None, "make charts-record"
    assert (told["chart"], told["version"]) == (row["chart"], row["version"]), "make charts-record"
    assert told["images"] == sorted({whole(image) for image in told["images"]})


def test_the_recorded_image_of_argo_cd_is_the_release_that_is_rolled_out() -> None:
    module: Any = environment(ROOT).get_template(TABLE).module
    assert f"quay.io/argoproj/argocd:{module.argocd_release}" in read()["argocd"]["images"], "make charts-record"


def test_nothing_is_recorded_of_what_is_not_in_the_table() -> None:
    assert set(read()) == {row["name"] for row in ROWS if is_chart(row)}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (verdict("1.2.3", "docker.io/a/b:1", "docker.io/a/c:1"), []),
        (verdict("1.2.3", "docker.io/a/b:1"), ["docker.io/a/c:1 is recorded, and not there: make charts-record"]),
        (
            verdict("1.2.3", "docker.io/a/b:1", "docker.io/a/c:1", "docker.io/a/d:1"),
            ["docker.io/a/d:1 is not recorded: make charts-record"],
        ),
        # Another release than the recorded one tells nothing of it.
        (verdict("1.2.2", "docker.io/a/b:1"), []),
        (
            verdict("1.2.4", "docker.io/a/b:1", row={**ROW, "version": "1.2.4"}),
            ["recorded is 1.2.3: make charts-record"],
        ),
    ],
)
def test_a_chart_is_compared_with_what_is_recorded_of_it(found: Verdict, told: list[str]) -> None:
    assert recorded(found, {"sample": OLD}) == told


def test_a_chart_of_which_nothing_is_recorded_is_told() -> None:
    assert recorded(verdict("1.2.3"), {}) == ["its images are not recorded: make charts-record"]
    assert entry(verdict("1.2.2", "docker.io/a/b:1")) == {**OLD, "rendered": "1.2.2", "images": ["docker.io/a/b:1"]}


def test_what_is_absent_keeps_what_was_recorded_and_what_is_gone_loses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "RECORD", tmp_path / "images.json")
    newer = {**ROW, "version": "1.2.4", "repository": "", "environments": None}
    table = [{**newer, "name": name} for name in ("sample", "found", "new")]
    record.write([verdict("1.2.4", "docker.io/a/d:1", row=table[1])], {"sample": OLD, "gone": OLD}, table)
    assert record.read() == {
        "sample": {**OLD, "version": "1.2.4"},
        "found": {"chart": "a-chart", "version": "1.2.4", "rendered": "1.2.4", "images": ["docker.io/a/d:1"]},
        "new": {"chart": "a-chart", "version": "1.2.4", "rendered": "", "images": []},
    }
    told = record.recorded(verdict("1.2.4", row={**table[2], "name": "new"}), record.read())
    assert told == ["its images are not recorded: make charts-record"]


def test_the_page_of_the_last_run_is_about_the_charts_of_the_table() -> None:
    text = PAGE.read_text()
    assert text.startswith(HEAD.read_text())
    absent = re.findall(r"^Absent: (.*)\.$", text, re.MULTILINE)
    for row in ROWS:
        if is_chart(row) and row["chart"] not in ", ".join(absent).split(", "):
            assert f"| {row['name']} | {row['chart']} | {row['version']} |" in text, "make charts-record"


def test_the_page_names_what_was_rendered_what_has_no_effect_and_what_is_absent() -> None:
    found = verdict("1.2.2", "docker.io/a/b:1")
    found.idle, found.faults = ["a.b"], ["something is wrong"]
    text = page([found], ["longhorn"], "")
    assert "| sample | a-chart | 1.2.3 | 1.2.2 | 3 | 2, without one: `a.b` | 1 | 20" in text
    assert "Absent: longhorn." in text
    assert "- sample: something is wrong" in text
    assert "No faults." in page([verdict("1.2.3")], [], "")


def test_the_page_keeps_what_was_known_of_a_chart_that_is_absent() -> None:
    longhorn = "| longhorn | longhorn | 1.2.0 | 1.2.0 | 4 | 5 | 6 | 2026-01-02 |"
    gone = "| gone | gone | 1.2.0 | 1.2.0 | 4 | 5 | 6 | 2026-01-02 |"
    lines = page([verdict("1.2.3")], ["longhorn"], f"| Row | Chart |\n|--|--|\n{longhorn}\n{gone}\n").splitlines()
    assert longhorn in lines
    assert gone not in lines
    assert sum(line.startswith("| Row |") for line in lines) == 1
