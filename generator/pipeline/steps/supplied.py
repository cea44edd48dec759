"""The variables in which the user supplies secrets: read once, and hidden from the programs that fmc starts.

git, its hooks and credential helpers are given the environment of fmc; what they log or dump must not hold a secret.
"""

from __future__ import annotations

import os

from generator.delivery.git.access import TOKEN, USER
from generator.secrets.vault.identities import ENVIRONMENT_VARIABLE as IDENTITY
from generator.template.source import ENVIRONMENT_VARIABLE as TEMPLATE_URL
from generator.tools.install import ENVIRONMENT_VARIABLE as TOOLS_FOLDER

_PREFIX = "FMC_"
# What fmc itself reads; a hook that runs fmc needs it as well.
_SETTINGS = frozenset({TOKEN, USER, IDENTITY, TEMPLATE_URL, TOOLS_FOLDER})


def take_supplied_values() -> dict[str, str]:
    """Return the environment as the user gave it, and take out of it what may be a secret of the cluster."""
    given = dict(os.environ)
    for name in given:
        if name.startswith(_PREFIX) and name not in _SETTINGS:
            del os.environ[name]
    return given
