"""Answers: load them, validate them, ask for them."""
