"""What reaches the terminal, and through which stream."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.console import Console
from generator.errors import FmcError
from generator.findings import Finding
from generator.wording import visible

if TYPE_CHECKING:
    from collections.abc import Callable

# A file name may hold all of these, and so may what a parser quotes.
HOSTILE = "\x1b[31mX\x07\nfake.yaml:1: error: forged\udcff\u202e"
FINDING = Finding(HOSTILE, 3, "yaml/syntax", HOSTILE, path=HOSTILE, owner=HOSTILE, fix=HOSTILE)


@given(st.text(max_size=40))
def test_nothing_visible_steers_a_terminal(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert visible(shown) == shown
    assert visible(text, lines=True).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(lambda console: console.findings([FINDING]), id="finding"),
        pytest.param(lambda console: console.table(HOSTILE, ("a",), [(HOSTILE,)]), id="table"),
    ],
)
def test_what_a_file_brings_in_stays_within_its_line(
    show: Callable[[Console], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults E12: `kind: "\\e[31mX"` coloured the terminal, and a file name with a line break forged a finding."""
    show(Console())
    shown = "".join(capsys.readouterr())
    assert "\\x1b[31mX" in shown
    assert all(line.isprintable() for line in shown.splitlines())
    assert not any(line.startswith("fake.yaml") for line in shown.splitlines())


def test_an_error_keeps_its_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    Console().error(FmcError("first\nsecond \x1b[2J", fix="do \x07this"))
    assert capsys.readouterr().err == "fmc: first\nsecond \\x1b[2J\n  do \\x07this\n"


def test_with_json_there_is_one_document_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    console = Console(json_output=True)
    console.result("text")
    console.table("t", ("a",), [("b",)])
    console.document({"name": "\x1b\udcff"})
    assert out.getvalue() == '{\n  "name": "\\u001b\\udcff"\n}\n'
