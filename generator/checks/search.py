"""Which of many texts stand in a content: all of them are looked for at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# The length of the pieces that are compared, and that from which on a text has pieces enough.
_PIECE, _LONG = 8, 16
_STEP = _LONG - _PIECE + 1


class Search:
    """Texts to look for.

    A text that is long enough has a piece that begins at a multiple of some step of the content, wherever it stands:
    only what begins there is looked up. Ten thousand texts take as long as ten, as long as few are found.
    """

    def __init__(self, texts: Iterable[bytes]) -> None:
        """Take the texts; empty ones are ignored.

        Args:
            texts: What to look for.
        """
        self._texts = [text for text in dict.fromkeys(texts) if text]
        self._short = [text for text in self._texts if len(text) < _LONG]
        self._by_piece: dict[bytes, list[bytes]] = {}
        for text in self._texts:
            if len(text) >= _LONG:
                for start in range(_STEP):
                    self._by_piece.setdefault(text[start : start + _PIECE], []).append(text)

    def found_in(self, content: bytes) -> list[bytes]:
        """Return the texts that stand in a content, in the order in which they were given."""
        by_piece = self._by_piece
        pieces = {
            piece for start in range(0, len(content), _STEP) if (piece := content[start : start + _PIECE]) in by_piece
        }
        likely = {text for piece in pieces for text in by_piece[piece]}.union(self._short)
        return [text for text in self._texts if text in likely and text in content]
