"""Checking sealed manifests: what anybody can see, and what the vault's owner alone can."""
