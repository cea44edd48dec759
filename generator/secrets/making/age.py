"""When a value is due: a certificate some time before its end, anything else at the age that the catalogue names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import Generator

if TYPE_CHECKING:
    from datetime import datetime

    from generator.secrets.catalogue.model import Value
    from generator.secrets.vault.model import ValueRecord

_NOTICE = timedelta(days=30)


def due_at(value: Value, record: ValueRecord) -> datetime | None:
    """Return when a value is due for its successor; None where nothing says so.

    Args:
        value: The entry of the catalogue.
        record: The value that the vault has for it.
    """
    if value.generator is Generator.CERTIFICATE and record.generator is Generator.CERTIFICATE:
        from generator.secrets.making.authority import renewal_of

        return renewal_of(record)
    return record.created + timedelta(days=value.max_age) if value.max_age else None


def noticed_at(value: Value, record: ValueRecord) -> datetime | None:
    """Return when a person is told that a value is due: of a certificate 30 days before, since then nothing is late.

    Args:
        value: The entry of the catalogue.
        record: The value that the vault has for it.
    """
    due = due_at(value, record)
    if due is None or value.generator is not Generator.CERTIFICATE:
        return due
    return due - min(_NOTICE, (due - record.created) / 2)
