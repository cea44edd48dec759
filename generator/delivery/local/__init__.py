"""Repositories on this disk: their state, commits, and the files that follow them."""
