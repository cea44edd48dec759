"""`fmc explain`: every rule that a finding can name is declared, with a sentence, and can be looked up."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from docs import generate
from generator.answers.ruleset import ERRORS, WARNINGS
from generator.answers.typecheck import TYPE
from generator.errors import BadInputError
from generator.findings import declare
from generator.pipeline.explain import all_rules, explain
from generator.strictyaml import NUMBER, REPEATED, VALUE
from tests.copier.releases import project_files
from tests.pipeline.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = {rule.id for rule in all_rules()}
# Who makes a finding, and the family of the name that is the first argument.
_MAKERS = {"report": "catalogue", "Fault": "answers"}
_IDENTIFIER = re.compile(r"(answers|catalogue|secrets)/[a-z]+(-[a-z]+)*")


def named_in_code() -> Iterator[tuple[str, str]]:
    """Yield the names of rules that stand in the code of the rooms answers and secrets, with their place."""
    for name in project_files("generator/*.py"):
        if ("/answers/" not in name and "/secrets/" not in name) or name.endswith("/ruleset.py"):
            continue
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                maker = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if maker in _MAKERS and isinstance(node.args[0].value, str):
                    yield f"{_MAKERS[maker]}/{node.args[0].value}", f"{name}:{node.lineno}"
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _IDENTIFIER.fullmatch(node.value):
                yield node.value, f"{name}:{node.lineno}"


def named_in_templates() -> Iterator[tuple[str, str]]:
    """Yield the names of rules that the files of `lib/rules/` give to `problem`, with their place."""
    for name in project_files("lib/rules"):
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
            for rule in re.findall(r"problem\('([a-z-]*[a-z])'", line):
                yield f"answers/{rule}", f"{name}:{number}"


def test_every_rule_that_is_named_is_declared() -> None:
    """A declaration that is missing is named here, with the place that makes the finding."""
    named = [*named_in_code(), *named_in_templates()]
    assert len(named) > 60
    assert [f"{where}: {rule}" for rule, where in named if rule not in RULES] == []


def test_every_declared_rule_on_answers_is_judged_somewhere() -> None:
    rules = "".join((ROOT / name).read_text() for name in project_files("lib/rules"))
    named = {rule for rule, _ in (*named_in_code(), *named_in_templates())}
    # Put together from two halves, and out of a table.
    computed = {f"answers/host-{what}" for what in ("cpus", "disk", "memory")} if "'host-' ~" in rules else set()
    computed |= {f"answers/{name}" for name in ("cpus-floor", "disk-floor", "memory-floor") if f"'{name}'" in rules}
    computed |= {f"answers/requests-{what}" for what in ("cpus", "memory")} if "'requests-' ~" in rules else set()
    computed |= {f"answers/{name}" for name in (NUMBER, REPEATED, TYPE, VALUE)}
    assert {f"answers/{name}" for name in (*ERRORS, *WARNINGS)} - named - computed == set()


def test_every_sentence_is_one() -> None:
    for rule in all_rules():
        assert rule.says[0] == rule.says[0].upper(), rule.id
        assert rule.says.endswith("."), rule.id
        assert "\n" not in rule.says


def test_a_rule_is_declared_once() -> None:
    declare("yaml/syntax", "A YAML file can be parsed.")
    with pytest.raises(ValueError, match="declared twice"):
        declare("yaml/syntax", "Something else.")


def test_a_rule_is_explained() -> None:
    (rule,) = explain(["argocd/sync-wave"])
    assert "whole number" in rule.says


def test_a_rule_on_a_field_of_an_answer_is_explained_by_its_question() -> None:
    (rule,) = explain(["answers/networks-dhcp-start"])
    assert rule.id == "answers/networks"


def test_without_a_name_all_rules_are_listed() -> None:
    assert {rule.id for rule in explain([])} == RULES
    assert len(RULES) > 90


def test_a_misspelt_rule_is_offered_the_right_one() -> None:
    with pytest.raises(BadInputError) as caught:
        explain(["argocd/sync-waves"])
    assert caught.value.fix == "Did you mean argocd/sync-wave?"


def test_the_page_of_the_rules_is_what_make_docs_writes() -> None:
    assert generate.RULES.read_text() == generate.rules_page(), "run `make docs`, and commit docs/rules.md"
