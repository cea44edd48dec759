"""Lists in files that people write: items are added and taken out, and nothing else is touched."""

from __future__ import annotations

import pytest
import yaml

from generator.textlists import with_items, without_lines

ITEM = "  - a: 1\n    b: 2\n"
TEXTS = {
    "says nothing": ("# Yours.\n", "# Yours.\nversion: 1\nitems:\n  - a: 1\n    b: 2\n"),
    "is empty": ("items: []  # none\nother: 1\n", "items:  # none\n  - a: 1\n    b: 2\nother: 1\n"),
    "lacks the list": ("other: 1\n", "other: 1\nitems:\n  - a: 1\n    b: 2\n"),
    "lacks a line end": ("other: 1", "other: 1\nitems:\n  - a: 1\n    b: 2\n"),
    "has one": ("items:\n  - a: 0\n\n# Of the other.\nother: 1\n",
                "items:\n  - a: 0\n  - a: 1\n    b: 2\n\n# Of the other.\nother: 1\n"),
    "is not indented": ("items:\n- a: 0\nother: 1\n", "items:\n- a: 0\n- a: 1\n  b: 2\nother: 1\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_items_are_added_at_the_end_of_the_list(name: str) -> None:
    before, after = TEXTS[name]
    assert with_items(before, "items", ITEM, "version: 1\n") == after
    assert yaml.safe_load(after)["items"][-1] == {"a": 1, "b": 2}


def test_lines_are_taken_out_and_an_empty_list_is_said_to_be_one() -> None:
    text = "# Mine.\nitems:\n  - a: 0\n  # Of the second.\n  - a: 1\nother: 1\n"
    assert without_lines(text, "items", {2}, "items: []\n") == text.replace("  - a: 0\n", "")
    assert without_lines("items:\n  - a: 0\nother: 1\n", "items", {1}, "items: []\n") == "items: []\nother: 1\n"
    assert without_lines("items:\n  - a: 0\nother: 1\n", "items", {1}, "") == "other: 1\n"
