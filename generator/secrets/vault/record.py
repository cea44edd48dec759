"""What the vault's records have in common: they are immutable and closed, and read from JSON with strict types.

A secret stands in the JSON as base64. What is wrong with a document is said without a word of it.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec import Meta, Struct, ValidationError, convert, to_builtins

from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Iterable

Time = Annotated[datetime, Meta(tz=True)]
"""A moment; one without a time zone is refused when it is read."""

_TOP = "its top level"
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
# The one kind of msgspec's messages that quotes the value.
_QUOTING = "Invalid enum value"


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the vault."""


_Read = TypeVar("_Read", bound=Record)


class InvalidContentError(Exception):
    """A document is no such record; the text says where and why, and quotes no value."""


def from_document(document: object, kind: type[_Read]) -> _Read:
    """Read a record.

    Args:
        document: What `msgspec.json.decode` returned.
        kind: Which record it is.

    Raises:
        InvalidContentError: It is something else.
    """
    try:
        return convert(document, kind, dec_hook=_decode)
    except ValidationError as error:
        told = str(error)
    found = _PLACE.search(told)
    place, reason = (found["place"], told[: found.start()]) if found else (_TOP, told)
    raise InvalidContentError(f"{place}: {_QUOTING if reason.startswith(_QUOTING) else reason}")


def to_json(record: Record, optional: Iterable[str] = ()) -> bytes:
    """Return the canonical JSON text of a record: sorted keys, no spaces, ASCII.

    Args:
        record: The record.
        optional: Fields that are left out where they are empty.
    """
    document = to_builtins(record, enc_hook=_encode)
    for name in optional:
        if not document[name]:
            del document[name]
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _decode(kind: type, value: object) -> Plaintext:
    if kind is Plaintext and isinstance(value, str):
        with suppress(ValueError):
            return Plaintext(base64.b64decode(value, validate=True))
    raise ValueError("must be base64")


def _encode(value: object) -> str:
    if isinstance(value, Plaintext):
        return base64.b64encode(value.reveal()).decode()
    raise TypeError(f"{type(value)} has no form in JSON")
