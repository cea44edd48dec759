"""Every file of valid/ is accepted and every file of invalid/ rejected with exactly its findings, by fmc and by Copier.

An invalid file begins with what is expected of it, and so does a valid one that is warned about:

    # fmc: RULE PATH: START OF THE MESSAGE      one line for each finding, in any order
    # copier: PART OF THE MESSAGE               or `accepts, because REASON`

It ends with `# mended: ANSWERS` for each way that its remedies show; tests/remedies/test_answers.py goes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.answers.load import load
from generator.answers.questionnaire import Questionnaire
from generator.errors import AnswersError
from generator.findings import Finding, Severity

from .conftest import ROOT, Copier

HERE = Path(__file__).parent
VALID = sorted((HERE / "valid").glob("*.yaml"))
INVALID = sorted((HERE / "invalid").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@dataclass(frozen=True)
class Expected:
    findings: list[tuple[str, str, str]]
    copier: list[str]


def name_of(path: Path) -> str:
    return path.stem


def expected_of(path: Path) -> Expected:
    head = re.findall(r"^# (fmc|copier): (.*)$", path.read_text("utf-8"), re.MULTILINE)
    findings = []
    for text in (text for kind, text in head if kind == "fmc"):
        match = re.fullmatch(r"(answers/\S+) (\S+): (.+)", text)
        assert match, text
        findings.append((match[1], match[2], match[3]))
    return Expected(findings, [text for kind, text in head if kind == "copier"])


def as_copied(path: Path) -> dict[str, Any]:
    """The answers as a user of plain Copier gives them: one repository a run, since `parts` are several."""
    data: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    first = "argocd" if data.get("existing_cluster") else "infra"
    return data | {"layout": first} if data.get("layout", "parts") == "parts" else data


def unmatched(findings: tuple[Finding, ...], expected: Expected) -> tuple[list[Finding], list[tuple[str, str, str]]]:
    """The findings that nobody expected, and the expectations that nothing met."""
    left = list(findings)
    missed = []
    for rule, path, start in expected.findings:
        met = next((f for f in left if (f.rule, f.path) == (rule, path) and f.message.startswith(start)), None)
        if met:
            left.remove(met)
        else:
            missed.append((rule, path, start))
    return left, missed


@cache
def findings_of(path: Path) -> tuple[Finding, ...]:
    with pytest.raises(AnswersError) as caught:
        load(path, ROOT)
    return caught.value.findings


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_invalid_answers_give_exactly_their_findings(path: Path) -> None:
    assert unmatched(findings_of(path), expected_of(path)) == ([], [])


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_every_finding_says_where_who_and_what_to_do(path: Path) -> None:
    lines = ["", *path.read_text("utf-8").splitlines()]
    for finding in findings_of(path):
        assert finding.file == str(path)
        assert finding.owner
        assert finding.fix
        assert finding.message.isprintable()
        # What is missing altogether has no line; everything else is where it, or what it was derived from, stands.
        assert finding.line or finding.rule == "answers/required"
        words = re.split(r"[ .]", f"{finding.path} {finding.owner}")
        assert not finding.line or any(word in lines[finding.line] for word in [*words, "- {"]), finding


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_copier_rejects_the_same_answers_or_is_known_not_to(path: Path, copier_answers: Copier) -> None:
    (expected,) = expected_of(path).copier
    if expected.startswith("accepts, because "):
        copier_answers(as_copied(path))
        return
    with pytest.raises((ValueError, TypeError)) as caught:
        copier_answers(as_copied(path))
    assert expected in str(caught.value)


@pytest.mark.parametrize("path", [*VALID, *EXAMPLES], ids=name_of)
def test_valid_answers_are_accepted_with_exactly_their_warnings(path: Path) -> None:
    loaded = load(path, ROOT)
    assert unmatched(loaded.warnings, expected_of(path)) == ([], [])
    assert {finding.severity for finding in loaded.warnings} <= {Severity.WARNING}


@pytest.mark.parametrize("path", [*VALID, *EXAMPLES], ids=name_of)
def test_copier_records_the_answers_that_fmc_has_loaded(
    path: Path, copier_answers: Copier, questionnaire: Questionnaire
) -> None:
    """But for those that make no sense with the others."""
    recorded = copier_answers(as_copied(path))
    data = load(path, ROOT).data
    loaded = {name: value for name, value in data.items() if questionnaire.makes_sense(questionnaire[name], data)}
    del loaded["layout"]
    assert {name: value for name, value in recorded.items() if name in loaded} == loaded
    assert not recorded.keys() & (data.keys() - loaded.keys() - {"layout"})


SECRET = re.compile(r"hunter2|AGE-SECRET-KEY-\w+|BEGIN OPENSSH")


@pytest.mark.parametrize("path", [path for path in INVALID if SECRET.search(path.read_text("utf-8"))], ids=name_of)
def test_secret_given_by_mistake_is_not_repeated(path: Path) -> None:
    assert not SECRET.search(repr(findings_of(path)))


def test_there_are_files_to_test() -> None:
    assert len(VALID) >= 8
    assert len(INVALID) >= 45
    assert len(EXAMPLES) >= 2
