"""Types and unknown keys: answers held against their shapes, and said in the words of an answers file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.answers.document import join, label
from generator.answers.shapes import ANY_NAME
from generator.wording import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from generator.answers.shapes import Shape

# The rule on the type of a value, whatever the question.
TYPE = "type"
_WANTED: dict[type, str] = {
    str: "text",
    int: "a whole number",
    list: "a list",
    dict: "a mapping of names and values",
}
_FOUND: tuple[tuple[type, str], ...] = (
    (type(None), "nothing"),
    (bool, "true or false (also written yes, no, on, off)"),
    (int, "a number"),
    (float, "a number with a point"),
    (str, "text"),
    (list, "a list"),
    (dict, "a mapping"),
)
# In place of a value that had to be taken out.
_UNUSABLE = object()


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place of the answers.

    Attributes:
        rule: Name of the rule, without its family.
        path: The answer.
        message: The reason.
        fix: The remedy; "" where the help of the question says it all.
        meant: The answer that the person gave without a usable value, where it is not the path itself: the one that
            a misspelt key resembles.
    """

    rule: str
    path: str
    message: str
    fix: str
    meant: str = ""

    @property
    def unknown(self) -> str:
        """The answer whose value is not known because of this."""
        return self.meant or self.path


@dataclass(frozen=True)
class Typed:
    """Answers after the check of types.

    Attributes:
        data: The answers without what has the wrong type or is unknown; None in its place in a list.
        faults: What was taken out, and why.
    """

    data: dict[str, Any]
    faults: tuple[Fault, ...]


def check_types(answers: Mapping[str, object], shapes: Mapping[str, Shape]) -> Typed:
    """Check the types and keys of some answers; absent ones are not missed here.

    Every record is closed, and no value is converted.

    Args:
        answers: Values by question, as YAML gave them.
        shapes: The shape of the answer to each question.
    """
    faults: list[Fault] = []
    return Typed(_record(answers, shapes, "", faults), tuple(faults))


def overlap(path: str, other: str) -> bool:
    """Tell whether one answer is the other or lies in it; `*` stands for any name."""
    return all(a == b or "*" in (a, b) for a, b in zip(path.split("."), other.split("."), strict=False))


def without(value: Any, path: str, faulty: Collection[str]) -> Any:
    """Return what is left of an answer when the parts at some paths are taken out; None if that is nothing.

    Args:
        value: An answer, or a part of one.
        path: Its path.
        faulty: The paths; items of a list may go by their name or their number.
    """
    if path in faulty:
        return None
    if isinstance(value, dict):
        left = {name: without(item, join(path, name), faulty) for name, item in value.items()}
        usable = {name: item for name, item in left.items() if item is not None}
        # What a list calls its items by is what they are known by: without it they are nothing.
        return None if "name" in value and "name" not in usable else usable
    if isinstance(value, list):
        items = [
            without(item, place, faulty)
            for index, item in enumerate(value)
            if join(path, str(index)) not in faulty and join(join(path, str(index)), "name") not in faulty
            for place in (_item(path, item, index),)
        ]
        return [item for item in items if item is not None]
    return value


def _record(
    values: Mapping[str, object], fields: Mapping[str, Shape], path: str, faults: list[Fault]
) -> dict[str, Any]:
    """Return the usable values of a record whose fields are known."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        inside = join(path, name)
        shape = fields.get(name, fields.get(ANY_NAME))
        if shape is None:
            near = nearest(name, fields)
            meant = join(path, near) if near else path
            faults.append(Fault("unknown", inside, f"there is no answer {inside}", did_you_mean(name, fields), meant))
            # What lies in it is told at once; of a question that nobody asks, no help can say what is expected.
            if near and path:
                _value(value, fields[near], inside, faults)
            continue
        checked = _value(value, shape, inside, faults)
        if checked is not _UNUSABLE:
            result[name] = checked
    return result


def _value(value: object, shape: Shape, path: str, faults: list[Fault]) -> Any:
    """Return what is usable of a value."""
    if isinstance(value, list) and isinstance(shape, list):
        # Those after one that is not usable keep their number.
        return [None if item is _UNUSABLE else item for item in _items(value, shape[0], path, faults)]
    if isinstance(value, dict) and isinstance(shape, dict):
        return _record(value, shape, path, faults)
    # Of exactly this type: to Python, true is a number as well.
    if type(value) is shape:
        return value
    faults.append(_wrong_type(value, shape, path))
    return _UNUSABLE


def _items(values: list[Any], shape: Shape, path: str, faults: list[Fault]) -> Iterator[Any]:
    """Yield what is usable of each item of a list; a record without its name is nothing."""
    for index, item in enumerate(values):
        place = _item(path, item, index)
        checked = _value(item, shape, place, faults)
        if isinstance(checked, dict) and "name" not in checked:
            if "name" not in item:
                inside = join(place, "name")
                faults.append(Fault("required", inside, f"{inside} is missing", "Add `name:` to it."))
            checked = _UNUSABLE
        yield checked


def _item(path: str, item: object, index: int) -> str:
    return join(path, label(item) or str(index))


def _wrong_type(value: object, shape: Shape, path: str) -> Fault:
    kind = shape if isinstance(shape, type) else type(shape)
    found = next((found for types, found in _FOUND if isinstance(value, types)), "a date or another special value")
    quotes = kind is str and value is not None and not isinstance(value, list | dict)
    message = f"{path} must be {_WANTED[kind]}, found {found}"
    return Fault(TYPE, path, message, "Put it in quotes." if quotes else "")
