"""The variables in which the user supplies secrets: read once, and hidden from the programs that fmc starts.

git, its hooks and credential helpers are given the environment of fmc; what they log or dump must not hold a secret.
"""

from __future__ import annotations

import os

from generator.secrets.catalogue.model import RESERVED_VARIABLES

_PREFIX = "FMC_"


def take_supplied_values() -> dict[str, str]:
    """Return the environment as the user gave it, and take out of it what may be a secret of the cluster."""
    given = dict(os.environ)
    for name in given:
        # A hook that runs fmc needs what fmc itself reads.
        if name.startswith(_PREFIX) and name not in RESERVED_VARIABLES:
            del os.environ[name]
    return given
