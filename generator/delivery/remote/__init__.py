"""Remotes: asking them, sending to them, and cleaning up there."""
