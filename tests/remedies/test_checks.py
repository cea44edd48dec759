"""What a finding about the files advises is done to them, each way on its own; then nothing is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.checks.cases import Case, cases

if TYPE_CHECKING:
    from pathlib import Path

WAYS = [pytest.param(case, way, id=f"{case.name} {way}") for case in cases("caught") for way in case.mended]


@pytest.mark.parametrize(("case", "way"), WAYS)
def test_what_is_advised_mends_the_trees(case: Case, way: str, tmp_path: Path) -> None:
    trees = case.write(tmp_path)
    assert case.judge(trees).findings
    case.mend(tmp_path, way)
    assert [f"{item.where} {item.rule} {item.message}" for item in case.judge(trees).findings] == []


# What wants git, a vault or the answers besides files is done in the other modules here.
ELSEWHERE = {
    "files-too-large",
    "files-unmerged",
    "manifests-plain-secret",
    "manifests-plain-secret-generator",
    "plan",
    "plan-key-twice",
    "plan-unreadable",
}


def test_every_case_whose_findings_advise_something_shows_how_it_is_mended(tmp_path: Path) -> None:
    advised = {
        case.name
        for case in cases("caught")
        if any(finding.fix for finding in case.check(tmp_path / case.name).findings)
    }
    assert advised - {case.name for case in cases("caught") if case.mended} == ELSEWHERE
