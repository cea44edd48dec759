"""Rules about the values of charts: Helm passes over a key that a chart doesn't know, and says nothing.

Which keys there are on the first two levels stands in `chart-keys.json`, as the charts' own values.yaml has them, or
values.schema.json where there is one; `null` takes any. A newer chart may have more, so that this is only a warning.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import mapping
from generator.checks.reading.values import chart_values
from generator.checks.rule import rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.values import ValuesFile
    from generator.findings import Flaw

_FILE = Path(__file__).with_name("chart-keys.json")


@rule("argocd/chart-key", "A value is one that its chart knows; others are passed over in silence.", Severity.WARNING)
def chart_key(inventory: Inventory) -> Iterator[Flaw]:
    """Compare the first two levels of all values with what their charts know."""
    for values in chart_values(inventory):
        if known := _charts().get(values.chart):
            for file in values.files:
                yield from _unknown(file, values.chart, known)


def _unknown(file: ValuesFile, chart: str, known: dict[str, Any]) -> Iterator[Flaw]:
    keys: dict[str, list[str] | None] = known["keys"]
    release = f"{chart} {known['version']}"
    for key, value in file.values.items():
        if key not in keys:
            yield file.flaw(f"{release} has no value {key}", key, fix=_near(key, keys))
            continue
        inner = keys[key]
        for name in mapping(value) if inner is not None else ():
            if inner is not None and name not in inner:
                yield file.flaw(f"{release} has no value {key}.{name}", key, name, fix=_near(name, inner))


def _near(key: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(key, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else "Look it up in the chart; a newer one may have it."


@cache
def _charts() -> dict[str, Any]:
    charts: dict[str, Any] = json.loads(_FILE.read_bytes())
    return charts
