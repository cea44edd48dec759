"""Looks at all SealedSecrets and at the Secrets that they make, all the time, and notes what is not as it has to be."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.bed.errors import BedError
from tests.e2e.beside import Beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.e2e.bed.api import Api, Object

_PAUSE = 0.1


@dataclass
class Watcher(Beside):
    """A thread that looks until it is told to end; use it as a context manager.

    Attributes:
        api: The cluster.
        wanted: The content that each Secret has to have at each moment: by `namespace/name`, then by key.
        looks: How often it has looked.
        faults: What it saw that is wrong, once each, with the seconds since the start.
    """

    api: Api
    wanted: Mapping[str, Mapping[str, bytes]]
    looks: int = 0
    faults: dict[str, float] = field(default_factory=dict)

    def _repeat(self) -> None:
        while not self._end.wait(_PAUSE):
            try:
                found = [*self._look()]
            except BedError as error:
                found = [error.message]
            for fault in found:
                self.faults.setdefault(fault, time.monotonic() - self._begin)
            self.looks += 1

    def _look(self) -> Iterator[str]:
        sealed = {_id(item): item for item in self.api.objects("SealedSecret")}
        secrets = {_id(item): item for item in self.api.objects("Secret")}
        for name, keys in self.wanted.items():
            if name not in sealed:
                yield f"{name}: there is no SealedSecret"
            data = secrets.get(name, {"data": {}})["data"]
            yield from (f"{name}: {key} is gone" for key in keys if key not in data)
            others = (key for key in keys if key in data and base64.b64decode(data[key]) != keys[key])
            yield from (f"{name}: {key} has other bytes" for key in others)
        for name, item in sealed.items():
            yield from (f"{name}: {message}" for message in unsealing_failures(item))


def unsealing_failures(sealed: Object) -> list[str]:
    """Return what the controller says of a SealedSecret that it can't open; nothing where it can, or has not tried."""
    conditions = sealed.get("status", {}).get("conditions", [])
    return [one.get("message", "") for one in conditions if one["type"] == "Synced" and one["status"] == "False"]


def _id(item: Object) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"
