"""Secrets: catalogue, vault, keys, sealing, reconcile."""
