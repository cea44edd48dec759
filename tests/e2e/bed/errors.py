"""What goes wrong with the bed itself, as opposed to what it is there to test."""

from __future__ import annotations

from generator.errors import ToolError


class BedError(ToolError):
    """The bed can't be started, or one of its programs ended or hangs."""
