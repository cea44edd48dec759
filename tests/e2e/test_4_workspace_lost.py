"""The operator's machine is lost, and the cluster is not: work goes on from a backup, on a machine that has nothing.

What was pushed since the backup is newer than its vault; `test_6_bootstrap.py` has the loss of both.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.e2e.laptop import Safe, kept
from tests.e2e.rotation import data_of, rotate, vault_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.rollout import Rollout

HELLO, TRAEFIK = "hello-staging/hello-users", "traefik/traefik-dashboard-auth"


def test_after_the_loss_of_the_laptop_a_rotation_goes_on(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    begin = time.monotonic()
    before, safe = kept(rollout), Safe(rollout, "safe")
    later = rotate(rollout, HELLO)
    safe.lose_the_laptop()
    printed = safe.set_up_another_one()
    assert kept(rollout) == before
    evidence(f"restored: {printed.splitlines()[0]}")
    # The backup knows nothing of the last rotation; Git does.
    rollout.user.pull("argocd")
    rotation = rotate(rollout, TRAEFIK)
    assert rotation.before[TRAEFIK].data != rotation.after[TRAEFIK].data
    assert vault_of(rollout).values[HELLO]["hello"].revision == later.vaults[1].values[HELLO]["hello"].revision
    assert data_of(rollout, HELLO) == later.after[HELLO].data
    rollout.user.do("fmc", "check")
    rollout.wait_until_done()
    evidence(f"lost, restored, and a rotation delivered: {time.monotonic() - begin:.0f} s")
