"""The built-in engine and the real kubeconform agree on every case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.checks.run import Report
from tests.checks.cases import Case, cases
from tests.conftest import require_tool

if TYPE_CHECKING:
    from pathlib import Path

ALL = (*cases("caught"), *cases("passed"))


@pytest.mark.tools
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_they_agree(case: Case, tmp_path: Path) -> None:
    program = require_tool("kubeconform")
    own = case.check(tmp_path / "own")
    theirs = case.check(tmp_path / "theirs", "kubeconform", program)
    assert (own.engine, theirs.engine) == ("builtin", "kubeconform")
    assert own.documents == theirs.documents
    assert _lines(own) == _lines(theirs)


def _lines(report: Report) -> list[str]:
    return [f"{item.where} {item.rule} {item.message}" for item in report.findings]


@pytest.mark.tools
def test_kubeconform_itself_refuses_what_we_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our explanation, which is the built-in engine's, kubeconform's verdict alone has to be the same."""
    program = require_tool("kubeconform")
    monkeypatch.setattr("generator.checks.schema.with_kubeconform.check_manifests", lambda *_: [])
    broken = [case for case in cases("caught") if any("schema/invalid" in line for line in case.expected)]
    assert len(broken) > 5
    for case in broken:
        if case.name == "schema-invalid-kustomization":
            continue
        report = case.check(tmp_path / case.name, "kubeconform", program)
        files = {line.split(":")[0] for line in case.expected if "schema/invalid" in line}
        assert {item.file for item in report.findings if item.rule == "schema/invalid"} == files
