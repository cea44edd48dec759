"""What goes on in a thread of its own while a test does something else."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import Self


class Beside(ABC):
    """A thread that repeats something until it is told to end; use it as a context manager."""

    _end: threading.Event
    _begin: float
    """When it started, in seconds of the monotonic clock."""

    def __enter__(self) -> Self:
        self._end = threading.Event()
        self._begin = time.monotonic()
        self._thread = threading.Thread(target=self._repeat, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @abstractmethod
    def _repeat(self) -> None:
        """Do it until `_end` is set."""
