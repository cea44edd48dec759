"""Types and unknown keys: what pydantic finds, said in the words of an answers file."""

from __future__ import annotations

import copy
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from generator.answers.document import label, printable
from generator.answers.model import Answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic_core import ErrorDetails

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping of names and values",
}
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "nothing"),
    (bool, "true or false (also written yes, no, on, off)"),
    (int, "a number"),
    (float, "a number with a point"),
    (str, "text"),
    (list, "a list"),
    (dict, "a mapping"),
)


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place of the answers: rule, answer path, reason and remedy."""

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
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else ""


def check_types(answers: Mapping[str, object]) -> Typed:
    """Check the types and keys of some answers; absent ones are not missed here.

    Args:
        answers: Values by question, as YAML gave them.
    """
    try:
        Answers.model_validate(answers)
    except ValidationError as error:
        details = [
            detail
            for detail in error.errors(include_url=False, include_input=False, include_context=False)
            if detail["type"] != "missing" or len(detail["loc"]) > 1
        ]
    else:
        details = []
    data: dict[str, Any] = copy.deepcopy(dict(answers))
    faults = tuple(_fault(answers, detail) for detail in details)
    # Later items of a list first, so that the indices of the others stay right.
    for detail in sorted(details, key=lambda detail: [f"{part:>9}" for part in detail["loc"]], reverse=True):
        _take_out(data, detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"])
    return Typed(data, faults)


def _fault(answers: Mapping[str, object], detail: ErrorDetails) -> Fault:
    location = detail["loc"]
    path, value = _walk(answers, location)
    name = printable(str(location[-1]), 60)
    if detail["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        return Fault("unknown", path, f"there is no answer {path}", did_you_mean(name, known) or f"Known here: {', '.join(known)}.")
    if detail["type"] == "missing":
        return Fault("required", path, f"{path} is missing", f"Add `{name}:` to it.")
    wanted = _WANTED.get(detail["type"])
    if wanted is None:
        return Fault("type", path, f"{path} can't be used: {detail['msg']}", "Write plain text.")
    quotes = wanted == "text" and value is not None and not isinstance(value, list | dict)
    fix = "Put it in quotes." if quotes else f"Write {wanted}."
    return Fault("type", path, f"{path} must be {wanted}, found {_kind(value)}", fix)


def _kind(value: object) -> str:
    return next((kind for types, kind in _KINDS if isinstance(value, types)), "a date or another special value")


def _walk(answers: object, location: Sequence[int | str]) -> tuple[str, object]:
    """Return the answer path of a location and the value there, None where there is none."""
    names: list[str] = []
    value = answers
    for part in location:
        if isinstance(value, dict):
            value = value.get(part)
            names.append(printable(str(part), 60))
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
            names.append(label(value.get("name") if isinstance(value, dict) else None, part))
    return ".".join(names), value


def _known_keys(location: Sequence[int | str]) -> list[str]:
    """Return the keys that the record at a location may have."""
    record: Any = Answers
    for part in location:
        record = get_args(record)[0] if get_origin(record) is list else get_type_hints(record)[str(part)]
    return sorted(get_type_hints(record).keys() - {"model_config"})


def _take_out(data: Any, location: Sequence[int | str]) -> None:
    for part in location[:-1]:
        data = data[part]
    del data[location[-1]]
