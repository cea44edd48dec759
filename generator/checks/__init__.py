"""Checks: YAML, schemas, leaks; each result is a Finding."""
