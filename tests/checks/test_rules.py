"""Every rule catches what it must catch, and lets pass what comes near to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.checks.run import KUBERNETES_VERSION
from generator.findings import declared_rules
from tests.checks.cases import SAMPLES, Case, cases

if TYPE_CHECKING:
    from pathlib import Path

# Rules of other rooms have their cases there.
_ELSEWHERE = ("answers", "app", "backup", "catalogue", "delivery", "doctor", "mirror", "remotes", "secrets")
RULES = [rule for rule in declared_rules() if rule.split("/")[0] not in _ELSEWHERE]


@pytest.mark.parametrize("case", cases("caught"), ids=lambda case: case.name)
def test_it_is_caught(case: Case, tmp_path: Path) -> None:
    report = case.check(tmp_path)
    assert {f"{finding.where} {finding.rule}" for finding in report.findings} == case.expected


@pytest.mark.parametrize("case", cases("passed"), ids=lambda case: case.name)
def test_it_passes(case: Case, tmp_path: Path) -> None:
    assert [f"{item.where} {item.rule} {item.message}" for item in case.check(tmp_path).findings] == []


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_has_a_case_that_it_catches_and_one_that_it_lets_pass(rule: str) -> None:
    caught = {expected.split(" ")[1] for case in cases("caught") for expected in case.expected}
    passed = {covered for case in cases("passed") for covered in case.covers}
    assert rule in caught
    assert rule in passed


def test_cases_name_rules_that_exist() -> None:
    named = {expected.split(" ")[1] for case in cases("caught") for expected in case.expected}
    named |= {covered for case in cases("passed") for covered in case.covers}
    assert named <= set(RULES)


@pytest.mark.parametrize("case", cases("caught"), ids=lambda case: case.name)
def test_no_finding_repeats_what_looks_like_a_secret(case: Case, tmp_path: Path) -> None:
    text = "\n".join(str(finding) for finding in case.check(tmp_path).findings).encode()
    secret = [sample for name, sample in SAMPLES.items() if name not in ("zero", "latin-1", "token-prefix")]
    assert not [sample for sample in secret if sample[:24] in text]


def test_findings_say_where_and_what(tmp_path: Path) -> None:
    findings = [finding for case in cases("caught") for finding in case.check(tmp_path / case.name).findings]
    for finding in findings:
        assert finding.message[0] == finding.message[0].strip()
        assert not finding.message.endswith(".")
        assert not finding.fix or finding.fix[-1] in ".?"
        assert finding.file or finding.rule == KUBERNETES_VERSION.id
