"""Sealing: the wire format, the sealed manifest, and what has to change to be right."""
