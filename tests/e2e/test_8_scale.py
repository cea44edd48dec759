"""Many applications at once: how long until all are done, and what that takes of memory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.applications import wait_until_done
from tests.e2e.probe import NAMESPACE, child_of, dump, root_of, write
from tests.e2e.rollout import Rollout
from tests.e2e.user import User

COUNT = int(os.environ.get("FMC_E2E_APPLICATIONS") or "30")
WAVES = 5
CONVERGES_IN = 20 * COUNT
"""Seconds; a bound for a hang, not a goal."""


def test_many_applications_converge(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    user, bed = rollout.user, rollout.bed
    idle = bed.memory()
    bed.charts.publish({"probe": "1.0.0"})
    names = [f"many-{number:03}" for number in range(COUNT)]
    files: dict[Path, str | None] = {}
    for number, name in enumerate(names):
        child = dump(application(user, name, wave=number * WAVES // COUNT, everything=number % WAVES == 0))
        files |= write("probe/many/applications", **{name: child})
        files |= write(f"probe/many/secrets/{name}", sealed=sealed(user, name))
    revisions = {user.url("argocd"): user.commit("argocd", f"{COUNT} applications", files)}
    begin = time.monotonic()
    root = root_of(user, "root-many", "probe/many/applications")
    user.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(root))
    wait_until_done(bed, [*names, "root-many"], revisions, timeout=CONVERGES_IN)
    evidence(f"{COUNT} applications in {WAVES} waves: done after {time.monotonic() - begin:.0f} s")
    for name in names:
        assert bed.api.get("Secret", NAMESPACE, name) is not None
    evidence(f"{'MiB':36} {'before':>8} {'then':>8}")
    busy = bed.memory()
    for program, memory in sorted(busy.items()):
        evidence(f"{program:36} {idle[program]:8.0f} {memory:8.0f}")
    evidence(f"{'all':36} {sum(idle.values()):8.0f} {sum(busy.values()):8.0f}")


def application(user: User, name: str, *, wave: int, everything: bool) -> dict[str, Any]:
    """Return an Application of a chart and a SealedSecret that its pods read.

    Args:
        user: Whose repositories.
        name: Of the Application and of its objects.
        wave: Its wave.
        everything: With a StatefulSet, its volume, and a Job that has to end first.
    """
    child = child_of(user, name, wave, path=f"probe/many/secrets/{name}")
    mirror = user.yaml("argocd", "versions.yaml")["charts"]["traefik"]["repository"]
    values: dict[str, Any] = {"secret": {"name": name, "key": "key"}}
    if everything:
        values |= {"statefulSet": {"enabled": True}, "hook": {"enabled": True}}
    chart = {"repoURL": mirror, "chart": "probe", "targetRevision": "1.0.0"}
    helm = {"releaseName": name, "valuesObject": values}
    child["spec"]["sources"] = [{**chart, "helm": helm}, child["spec"].pop("source")]
    return child


def sealed(user: User, name: str) -> str:
    """Return a sealed manifest, made by kubeseal."""
    plain = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": {"key": "no secret"},
    }
    certificate = user.workspace / "argocd/secrets/sealing-cert.pem"
    return user.do("kubeseal", "--format=yaml", f"--cert={certificate}", stdin=json.dumps(plain))
