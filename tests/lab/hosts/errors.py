"""What goes wrong with the lab itself, as opposed to what it is there to test."""

from __future__ import annotations

from generator.errors import ToolError


class LabError(ToolError):
    """The lab can't be started, or one of its hosts does not come up."""
