"""The quick sandbox: faster than Jinja's own, and of the same verdict on everything."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import Environment, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace

from generator.sandbox import QuickSandbox


class Record:
    field = "of a record"
    _hidden = "hidden"

    def method(self) -> str:
        return "called"


class Shadowing(dict[str, Any]):
    nodes = "attribute"


def generator() -> Any:
    yield 1


MACROS = Environment().from_string("{% macro shown() %}text{% endmacro %}{% set _own = 1 %}").module
VALUES = {
    "dictionary": {"nodes": 1, "items": 2, "_own": 3, "__class__": 4, "none": None},
    "dictionary of another kind": Shadowing(nodes=1, field=2),
    "text": "text",
    "list": [1],
    "namespace": Namespace(nodes=1, _own=2),
    "macros": MACROS,
    "record": Record(),
    "type": Record,
    "method": Record().method,
    "function": generator,
    "generator": generator(),
    "code": generator.__code__,
    "none": None,
}
NAMES = (
    *("nodes", "field", "items", "none", "missing", "_own", "_hidden", "method", "shown", "format", "upper", "append"),
    *("__class__", "__globals__", "__code__", "__func__", "gi_frame", "gi_code", "mro", "co_code"),
)


def looked_up(environment: SandboxedEnvironment, value: Any, source: str) -> Any:
    """What a template gets, or why it gets nothing."""
    found = environment.compile_expression(source, undefined_to_none=False)(value=value)
    if isinstance(found, StrictUndefined):
        try:
            str(found)
        except Exception as error:
            return type(error), str(error)
    return type(found), repr(found).partition(" at 0x")[0]


@pytest.mark.parametrize("kind", VALUES)
def test_the_verdict_is_that_of_jinja(kind: str) -> None:
    slow, quick = SandboxedEnvironment(undefined=StrictUndefined), QuickSandbox(undefined=StrictUndefined)
    for source in [f"value.{name}" for name in NAMES] + [f"value['{name}']" for name in NAMES]:
        expected = looked_up(slow, VALUES[kind], source)
        # The second time the verdict is remembered.
        assert [looked_up(quick, VALUES[kind], source) for _ in range(2)] == [expected] * 2


def test_a_name_that_is_safe_of_one_type_is_judged_anew_for_another() -> None:
    quick = QuickSandbox(undefined=StrictUndefined)
    assert looked_up(quick, Namespace(gi_frame=1), "value.gi_frame") == (int, "1")
    assert "unsafe" in looked_up(quick, generator(), "value.gi_frame")[1]


def test_a_format_string_stays_in_the_sandbox() -> None:
    quick = QuickSandbox(undefined=StrictUndefined)
    with pytest.raises(Exception, match="unsafe"):
        quick.from_string("{{ '{0.__class__.__mro__}'.format(value) }}").render(value=Record())


def test_a_name_is_judged_once_for_each_type(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    original = SandboxedEnvironment.is_safe_attribute

    def judge(environment: SandboxedEnvironment, value: Any, name: str, attribute: Any) -> bool:
        judged.append(name)
        return original(environment, value, name, attribute)

    from generator.sandbox import judging_once

    monkeypatch.setattr(QuickSandbox, "is_safe_attribute", judging_once(judge))
    text = QuickSandbox().from_string("{% for record in records %}{{ record.field }}{{ record.nodes }}{% endfor %}")
    assert text.render(records=[Record(), Record(), {"field": 1, "nodes": 2}]) == "of a record" * 2 + "12"
    assert judged == ["field"]
