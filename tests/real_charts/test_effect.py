"""The effect test, on charts of a few lines: which values it calls idle, and which it lets pass."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.real_charts.effect import leaves, said, without, without_effect
from tests.real_charts.render import RenderError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULTS: dict[str, Any] = {"replicas": 1, "image": {"tag": "v1"}, "unused": "x", "list": []}


def chart(values: Mapping[str, Any]) -> str:
    """Stand for a chart that reads replicas, image.tag where it is on, and a list."""
    if "name" not in values:
        raise RenderError("name is required")
    tag = values.get("image", {}).get("tag", "v1")
    return json.dumps(
        [values.get("replicas", 1), tag, values.get("list", []), values.get("on", False) and values.get("port")]
    )


def idle(**sets: dict[str, Any]) -> list[str]:
    return without_effect({key: {"name": "a", **value} for key, value in sets.items()}, DEFAULTS, chart)[1]


def test_a_value_that_nobody_reads_is_told_by_its_place() -> None:
    assert idle(one={"replica": 2, "image": {"tags": ["v2"]}}) == ["image.tags[0]", "replica"]


def test_a_value_that_changes_something_passes() -> None:
    assert idle(one={"replicas": 2, "image": {"tag": "v2"}, "list": ["a", {"b": 1}]}) == []


def test_a_value_that_says_what_the_default_says_passes() -> None:
    assert idle(one={"replicas": 1, "unused": "x"}) == []
    assert idle(one={"unused": "y"}) == ["unused"]


def test_a_value_that_the_chart_can_not_do_without_passes() -> None:
    assert without_effect({"one": {"name": "a"}}, DEFAULTS, chart) == (1, [])


def test_a_value_needs_an_effect_with_some_answers_alone() -> None:
    assert idle(one={"port": 80}) == ["port"]
    assert idle(one={"port": 80}, other={"port": 80, "on": True}) == []


def test_values_that_are_refused_are_no_result() -> None:
    with pytest.raises(RenderError):
        without_effect({"one": {}}, DEFAULTS, chart)


def test_the_leaves_are_every_single_value() -> None:
    values: dict[str, Any] = {"a": {"b": [1, {"c": None}], "d": {}}, "e": []}
    found = [place for place, _ in leaves(values)]
    assert [said(place) for place in found] == ["a.b[0]", "a.b[1].c", "a.d", "e"]
    assert without(values, ("a", "b", 0)) == {"a": {"b": [{"c": None}], "d": {}}, "e": []}
    assert values["a"]["b"][0] == 1
