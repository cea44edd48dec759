"""What others said (git, hooks, servers), made fit to be shown: no credentials, no control characters, not endless."""

from __future__ import annotations

import re

from generator.delivery.git.access import redact

_LINES = 12
_WIDTH = 300
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_USERINFO = re.compile(r"(https?://)[^/@\s]+@", re.IGNORECASE)


def printable(text: str) -> str:
    """Return foreign output as lines that are safe and short enough for a terminal.

    Advice that git gives to people who typed the git command themselves (`hint:`) is left out.
    """
    kept = []
    for raw in _ESCAPE.sub("", redact(text)).replace("\r", "\n").split("\n"):
        line = "".join(character for character in raw.expandtabs(4) if character.isprintable()).rstrip()
        if line and not line.startswith("hint:"):
            kept.append(shown_url(line)[:_WIDTH])
    return "\n".join([*kept[:_LINES], f"... and {len(kept) - _LINES} more lines"] if len(kept) > _LINES else kept)


def server_said(stderr: str) -> str:
    """Return what the server itself wrote during a push: the lines that git marks with `remote:`."""
    lines = re.split(r"[\r\n]+", stderr)
    return printable("\n".join(line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")))


def shown_url(text: str) -> str:
    """Return a URL, or a text with URLs, without user names and passwords of HTTP."""
    return _USERINFO.sub(r"\1", text)
