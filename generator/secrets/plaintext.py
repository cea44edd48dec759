"""A secret in memory: bytes that no repr, log line, f-string or traceback shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Plaintext:
    """Secret bytes; `reveal` is the one way to them, so that a search for it finds every place that sees a secret."""

    _content: bytes

    def reveal(self) -> bytes:
        """Return the secret itself."""
        return self._content

    def __repr__(self) -> str:
        return "***"
