"""The values of YAML scalars as go-yaml gives them: YAML 1.1 with rules of its own.

Source: go.yaml.in/yaml/v2, resolve.go.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yaml.nodes import ScalarNode

PREFIX = "tag:yaml.org,2002:"
PLAIN = "plain"
TEXT = f"{PREFIX}str"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS: dict[str, Any] = {
    **dict.fromkeys(_NULLS),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)|0([0-7]+)|(0|[1-9][0-9]*))")
_BASES = (16, 8, 2, 8, 10)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_UNDERSCORES = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "null": (type(None),),
}


def scalar(node: ScalarNode) -> Any:
    """Return the value of a scalar.

    Raises:
        ValueError: It doesn't fit its explicit tag.
    """
    text: str = node.value
    if node.tag == PLAIN:
        return resolve(text)
    name = str(node.tag).removeprefix(PREFIX)
    if name == "binary":
        try:
            return base64.b64decode(text, validate=True).decode(errors="replace")
        except binascii.Error:
            raise ValueError("a !!binary value is no Base64") from None
    if name not in _TYPES:
        return text
    value: Any = resolve(text)
    if type(value) not in _TYPES[name]:
        raise ValueError(f"this is no !!{name}")
    return float(value) if name == "float" else value


def resolve(text: str) -> Any:
    """Return the value that go-yaml gives to a plain scalar: None, a truth value, a number, or the text itself.

    Dates stay text: go-yaml recognises them, and hands them on as they were written.
    """
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "+-.0123456789":
        return text
    # Go wants underscores between digits. go-yaml removes them first, but not where a number begins with its dot.
    digits = text if first == "." and not _UNDERSCORES.fullmatch(text) else text.replace("_", "")
    if (match := _INTEGER.fullmatch(digits)) is not None:
        sign, *bodies = match.groups()
        index = next(index for index, body in enumerate(bodies) if body is not None)
        value = int(bodies[index], _BASES[index])
        value = -value if sign == "-" else value
        if -(2**63) <= value < (2**63 if sign else 2**64):
            return value
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        return number if math.isfinite(number) else text
    return text


def key_text(value: Any) -> str | None:
    """Return the text that a key becomes in JSON; None for an empty key."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return None if value is None else str(value)
