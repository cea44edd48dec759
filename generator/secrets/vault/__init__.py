"""The vault and its keys: what the operator keeps, and who can open it."""
