"""Every remedy that a message gives is followed by a test, or the reason why none can is named."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from generator.answers.load import load
from generator.errors import AnswersError
from tests.checks.cases import cases
from tests.remedies import test_answers
from tests.remedies.sites import sites

ROOT = Path(__file__).parents[2]
REGISTRY = Path(__file__).with_name("registry.txt")
REASONS = {
    "@a broken installation": "The files of fmc itself would have to be damaged, and installed again from outside.",
    "@a defect of fmc": "It is a fault of the template or of a pin: people can report it, or take another version.",
    "@a second user": "Root may change every file, and without root there is no second user whose file it could be.",
    "@another release": "A newer fmc, or another template, would have to exist.",
    "@installs a program": "git or Go would have to be installed on the machine that runs the tests.",
    "@says what others say": "It puts together what other sites say, which are followed there.",
    "@somebody else acts": "A server or a proxy of somebody else has to be put right.",
}


@cache
def registry() -> dict[str, tuple[str, ...]]:
    """The sites below each test or reason."""
    found: dict[str, list[str]] = {}
    for line in REGISTRY.read_text().splitlines():
        if line.startswith("    "):
            found[list(found)[-1]].append(line.strip())
        elif line and not line.startswith("#"):
            assert line not in found, line
            found[line] = []
    return {node: tuple(listed) for node, listed in found.items()}


@cache
def functions_of(file: str) -> frozenset[str]:
    """The tests of a file."""
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_")


def test_every_remedy_is_followed_or_has_a_reason() -> None:
    """What is left is a new remedy without a test, or an entry of one that is gone."""
    listed = [site for below in registry().values() for site in below]
    assert sum(site.startswith("lib/rules/") for site in listed) > 50
    assert sum(site.startswith("generator/") for site in listed) > 200
    assert sorted(listed) == sorted(map(str, sites(ROOT)))


def test_what_is_named_is_a_test_or_a_reason() -> None:
    nodes = {node for node in registry() if not node.startswith("@")}
    assert {node for node in nodes if node.partition("::")[2] not in functions_of(node.partition("::")[0])} == set()
    assert set(registry()) - nodes == set(REASONS)


def test_reasons_are_few() -> None:
    reasoned = sum(len(below) for node, below in registry().items() if node.startswith("@"))
    assert reasoned <= 20, "a remedy that nobody can follow is no remedy"


@pytest.mark.parametrize("module", ["test_answers", "test_checks"])
def test_the_files_of_a_table_show_each_of_its_remedies(module: str, tmp_path: Path) -> None:
    """A test that goes over files follows what they show: each of the remedies below it has to be among that."""
    said = "\n".join(_said_of_answers() if module == "test_answers" else _said_of_files(tmp_path))
    (below,) = (listed for node, listed in registry().items() if f"remedies/{module}.py::" in node)
    shown = [site.partition(": ")[2] for site in below]
    words = [text for text in shown if re.match(r"[A-Z]", text)]
    missing = [text for text in words if not re.search(".*?".join(map(re.escape, text.split("{}"))), said)]
    assert missing == []
    assert len(words) > len(shown) / 2


def _said_of_answers() -> list[str]:
    said = []
    for path in test_answers.FILES:
        try:
            said += [finding.fix for finding in load(path, ROOT).warnings]
        except AnswersError as error:
            said += [finding.fix for finding in error.findings]
            said.append(error.fix or "")
    return said


def _said_of_files(folder: Path) -> list[str]:
    return [finding.fix for case in cases("caught") for finding in case.check(folder / case.name).findings]
