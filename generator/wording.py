"""Words in messages: text of others made fit for a terminal, and the known name that a misspelt one resembles."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def printable(text: str, limit: int = 400) -> str:
    """Return text that can't steer a terminal and is not endless.

    Args:
        text: Anything that came from a file.
        limit: Characters after which it is cut.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in cut)


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return text with what can't be printed as escapes (`\x1b`), so that it neither steers a terminal nor hides.

    Args:
        text: Anything; a file name may hold every character but two.
        lines: Keep line breaks: the text is ours, and only what it quotes is not.
    """
    return "".join(
        character
        if character.isprintable() or (lines and character == "\n")
        else character.encode("unicode_escape").decode()
        for character in text
    )


def command(*words: str) -> str:
    """Return a command as a remedy shows it: between backticks, and quoted so that a shell takes it as it stands.

    Args:
        words: Program and arguments.
    """
    return f"`{shlex.join(words)}`"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that a misspelt one begins, if there is one, else resembles most; "" if nothing does."""
    import difflib

    names = list(known)
    begun = [name for name in names if name.startswith(f"{word}_")]
    if len(begun) == 1:
        return begun[0]
    close = difflib.get_close_matches(word[:100], names, n=1, cutoff=0.6)
    return close[0] if close else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean ...?` for a misspelt word, else all known ones; "" if nothing is known."""
    names = list(known)
    near = nearest(word, names)
    if near:
        return f"Did you mean {near}?"
    return f"Known here: {', '.join(names)}." if names else ""
