"""The rules on remotes, each with its sentence; `compare` judges them."""

from __future__ import annotations

from generator.findings import Severity, declare

MISSING = declare("remotes/missing", "Each repository is there, and this account sees it.")
PUBLIC = declare("remotes/public", "A repository is private: its sealed secrets are nobody else's to collect.")
KEY = declare("remotes/deploy-key", "The deploy keys of the vault are registered, with the rights that they need.")
UNKNOWN_KEY = declare("remotes/foreign-key", "No other deploy key may push.", Severity.WARNING)
UNGUARDED = declare("remotes/unguarded", "The branch that Argo CD follows can't be deleted or set back by force.")
REQUESTS = declare("remotes/pull-requests", "The branch takes changes as the answers say: by pull requests, or pushed.")
HOOK = declare("remotes/webhook", "Pushes are told to Argo CD, where the answers want it.")
