"""A secret in memory: bytes that no repr, log line, f-string, traceback or JSON document shows."""

from __future__ import annotations


class Plaintext:
    """Secret bytes; `reveal` is the one way to them, so that a search for it finds every place that sees a secret.

    It is no dataclass: `dataclasses.asdict` of a record that holds it would unfold it.
    """

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def reveal(self) -> bytes:
        """Return the secret itself."""
        return self._content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plaintext) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    def __repr__(self) -> str:
        return "***"
