"""Types and unknown keys: answers held against the typed model, and said in the words of an answers file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from generator.answers.document import join, label
from generator.answers.model import Answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    """What is wrong at one place of the answers: rule, answer path, reason and remedy.

    The remedy is "" where the help of the question says it all.
    """

    rule: str
    path: str
    message: str
    fix: str


@dataclass(frozen=True)
class Typed:
    """Answers after the check of types.

    Attributes:
        data: The answers without what has the wrong type or is unknown.
        faults: What was taken out, and why.
    """

    data: dict[str, Any]
    faults: tuple[Fault, ...]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean ...?` for a misspelt word, "" if nothing resembles it."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else ""


def check_types(answers: Mapping[str, object]) -> Typed:
    """Check the types and keys of some answers; absent ones are not missed here.

    Args:
        answers: Values by question, as YAML gave them.
    """
    faults: list[Fault] = []
    return Typed(_record(answers, get_type_hints(Answers), "", faults), tuple(faults))


def _record(values: Mapping[str, object], fields: Mapping[str, Any], path: str, faults: list[Fault]) -> dict[str, Any]:
    """Return the usable values of a record whose fields are known."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        inside = join(path, name)
        if name not in fields:
            fix = did_you_mean(name, fields) or f"Known here: {', '.join(fields)}."
            faults.append(Fault("unknown", inside, f"there is no answer {inside}", fix))
            continue
        checked = _value(value, fields[name], inside, faults)
        if checked is not _UNUSABLE:
            result[name] = checked
    return result


def _value(value: object, wanted: Any, path: str, faults: list[Fault]) -> Any:
    """Return what is usable of a value; `wanted` is a type of the model."""
    if isinstance(value, list) and get_origin(wanted) is list:
        items = (
            _value(item, get_args(wanted)[0], _item(path, item, index), faults) for index, item in enumerate(value)
        )
        return [item for item in items if item is not _UNUSABLE]
    if isinstance(value, dict) and hasattr(wanted, "__required_keys__"):
        missing = sorted(wanted.__required_keys__ - value.keys())
        record = _record(value, get_type_hints(wanted), path, faults)
        faults += [_missing(path, name) for name in missing]
        return record if wanted.__required_keys__ <= record.keys() else _UNUSABLE
    # Of exactly this type: to Python, true is a number as well.
    if type(value) is wanted:
        return value
    faults.append(_wrong_type(value, wanted, path))
    return _UNUSABLE


def _item(path: str, item: object, index: int) -> str:
    return join(path, label(item.get("name") if isinstance(item, dict) else None, index))


def _missing(path: str, name: str) -> Fault:
    inside = join(path, name)
    return Fault("required", inside, f"{inside} is missing", f"Add `{name}:` to it.")


def _wrong_type(value: object, wanted: Any, path: str) -> Fault:
    kind = get_origin(wanted) or (dict if hasattr(wanted, "__required_keys__") else wanted)
    found = next((found for types, found in _FOUND if isinstance(value, types)), "a date or another special value")
    quotes = kind is str and value is not None and not isinstance(value, list | dict)
    message = f"{path} must be {_WANTED[kind]}, found {found}"
    return Fault("type", path, message, "Put it in quotes." if quotes else "")
