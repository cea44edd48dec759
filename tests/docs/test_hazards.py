"""docs/hazards.md: each hazard and each trap of charts has a row, and each test that a row names is there."""

from __future__ import annotations

import re

from tests.copier.releases import project_files
from tests.pipeline.world import ROOT

_PAGE = (ROOT / "docs" / "hazards.md").read_text()
_ROW = re.compile(r"(?m)^\| ([A-Z]\d+) \| (.+) \|$")
_TEST = re.compile(r"`(test_\w+?)(\.py)?`")
OF_MACHINES = {
    *(f"B{number}" for number in (*range(1, 19), 33, 34, 35, 36, 37, 38, 40)),
    *(f"D{number}" for number in (1, 2, 3, 4, 5, 6, 8, 9)),
    *(f"S{number}" for number in (1, 2, 3, 5, 6, 7, 11, 12)),
}
"""The hazards of stages 0 to 4 and of the shared storage, by the letters and numbers of the page."""
OF_THE_PLATFORM = {
    *(f"B{number}" for number in (*range(19, 33), 39)),
    "D7",
    *(f"S{number}" for number in (8, 9, 10, 13, 14)),
    *(f"T{number}" for number in range(1, 33)),
}
"""Those of stages 5 to 10; T is what charts and Argo CD do without a word."""


def test_each_hazard_has_one_row() -> None:
    rows = [name for name, _ in _ROW.findall(_PAGE)]
    assert sorted(rows) == sorted(set(rows))
    assert set(rows) >= OF_MACHINES | OF_THE_PLATFORM


def test_each_trap_of_a_chart_names_a_test() -> None:
    traps = {name: text for name, text in _ROW.findall(_PAGE) if name.startswith("T")}
    assert [name for name, text in traps.items() if not _TEST.search(text)] == []


def test_each_test_that_the_page_names_is_there() -> None:
    files = [name for name in project_files() if name.startswith("tests/") and name.endswith(".py")]
    there = {path.rsplit("/", 1)[-1].removesuffix(".py") for path in files}
    for path in files:
        there |= set(re.findall(r"(?m)^ *(?:async )?def (test_\w+)", (ROOT / path).read_text()))
    named = {name for name, _ in _TEST.findall(_PAGE)}
    assert len(named) > len(OF_MACHINES) / 2
    assert sorted(named - there) == []
