"""YAML is read as Go reads it for Kubernetes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from generator.checks.reading.yamlgo import SYNTAX, read

VECTORS = json.loads((Path(__file__).parent / "vectors" / "goyaml.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: repr(vector["yaml"]))
def test_it_is_read_as_by_go(vector: dict[str, Any]) -> None:
    documents, problems = read(vector["yaml"].encode())
    if vector.get("refused"):
        assert problems
        return
    assert not problems
    value = documents[0].value if documents else None
    # Go's JSON has one kind of number.
    assert json.loads(json.dumps(value), parse_int=float) == json.loads(json.dumps(vector["json"]), parse_int=float)
    assert _types(value) == _types(vector["json"])


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_types(item) for item in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_the_vectors_hold_what_python_reads_otherwise() -> None:
    texts = {vector["yaml"] for vector in VECTORS}
    assert texts >= {"a: y", "a: 08", "a: 0o17", "a: 1e3", "a: 1:30", "a: 2001-01-01", "a: ="}


def test_a_place_has_the_line_where_it_begins() -> None:
    (document,), _ = read(b"a:\n  b:\n    - c: 1\n    - d:\n        e: 2\n")
    assert document.line_of(("a", "b", 1, "d", "e")) == 5
    assert document.line_of(("a", "b", 1)) == 4
    assert document.line_of(("a",)) == 1
    assert document.line_of(("a", "x", "y")) == 1
    assert document.line_of(("a", "b", 7)) == 2
    assert document.line_of(()) == 1


def test_documents_know_their_lines_in_the_file() -> None:
    documents, problems = read(b"# head\na: 1\n---\n# nothing\n---\n\nb: 2\n")
    assert not problems
    assert [(item.value, item.line) for item in documents] == [({"a": 1}, 2), ({"b": 2}, 7)]
    assert documents[1].line_of(("b",)) == 7


def test_an_empty_file_has_no_document() -> None:
    assert read(b"") == ([], [])
    assert read(b"# only a comment\n") == ([], [])


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "a: " + "{b: " * 20_000, "- " * 50_000], ids=["[", "{", "-"])
def test_deep_nesting_is_a_problem_and_no_crash(text: str) -> None:
    documents, problems = read(text.encode())
    assert not documents
    assert [problem.rule for problem in problems] == [SYNTAX]


def test_aliases_without_end_cost_no_time() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 30)]
    start = time.process_time()
    documents, problems = read("\n".join(lines).encode())
    assert not documents
    assert "excessive aliasing" in problems[0].message
    assert time.process_time() - start < 5


def test_an_anchor_that_holds_itself_is_a_problem() -> None:
    for text in (b"a: &a {b: *a}", b"a: &a [*a]", b"a: &a\n  <<: *a"):
        documents, problems = read(text)
        assert not documents
        assert problems


def test_other_readers_are_not_held_to_the_rules_of_kubernetes() -> None:
    text = b"%YAML 1.1\n---\nbase: &base {a: .inf}\nother: {<<: *base, a: 1}\nsecret: !vault x\n? [1]\n: 2\n"
    documents, problems = read(text, kubernetes=False)
    assert not problems
    assert documents[0].value["other"] == {"a": 1}
    assert read(text)[1]
