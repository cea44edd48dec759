"""The effect test: each value that is rendered must change what a chart makes, or say what its default says.

Most charts swallow what they don't know. A list of known keys does not help, since charts pass whole mappings on; so
each leaf of the values is taken away in turn, and the chart rendered again.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.real_charts.render import RenderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Place = tuple[str | int, ...]
_ABSENT = object()


def leaves(value: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield each single value with its place; an empty mapping or list is one, too."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def without(values: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return values without one leaf."""
    result: dict[str, Any] = copy.deepcopy(dict(values))
    inner: Any = result
    for step in place[:-1]:
        inner = inner[step]
    del inner[place[-1]]
    return result


def at(values: Any, place: Place) -> Any:
    """Return what stands at a place; something that equals nothing where there is nothing."""
    for step in place:
        match values:
            case dict() if step in values:
                values = values[step]
            case list() if isinstance(step, int) and step < len(values):
                values = values[step]
            case _:
                return _ABSENT
    return values


def said(place: Place) -> str:
    """Return a place as people write it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def without_effect(
    sets: Mapping[str, Mapping[str, Any]], defaults: Mapping[str, Any], render: Callable[[Mapping[str, Any]], str]
) -> tuple[int, list[str]]:
    """Return how many leaves there are, and those that change nothing with any set of answers.

    Args:
        sets: The values by the name of the answers that they are rendered from.
        defaults: The chart's own values.
        render: What the chart makes of values.

    Raises:
        RenderError: The values themselves are refused.
    """
    whole = {name: render(values) for name, values in sets.items()}
    seen: dict[tuple[Place, str], bool] = {}
    for name, values in sets.items():
        for place, value in leaves(values):
            key = (place, repr(value))
            if not seen.get(key):
                seen[key] = at(defaults, place) == value or _changes(values, place, whole[name], render)
    places = {place for place, _ in seen}
    idle = {said(place) for place, value in seen if not seen[place, value]}
    return len(places), sorted(idle)


def _changes(values: Mapping[str, Any], place: Place, whole: str, render: Callable[[Mapping[str, Any]], str]) -> bool:
    try:
        return render(without(values, place)) != whole
    except RenderError:
        # The chart needs it.
        return True
