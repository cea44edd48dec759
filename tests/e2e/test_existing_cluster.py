"""A cluster that is there already: `bootstrap/install` hands it over, with a kubeconfig alone and without Ansible."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.applications import Timeline
from tests.e2e.bed.bed import API_HOST
from tests.e2e.bed.control_plane import STORAGE_CLASS
from tests.e2e.rollout import Rollout
from tests.e2e.rotation import catalogue_of, data_of, vault_of
from tests.e2e.user import User
from tests.secrets.test_rendered import expected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.e2e.bed.bed import Bed
    from tests.pipeline.world import Finished

CLUSTER = {
    "api": f"https://{API_HOST}:6443",
    "version": "v1.36.1",
    "pod_cidr": "10.244.0.0/16",
    "ingress": "203.0.113.7",
    # Nobody gives a Service an address here.
    "entry": "node-ports",
    "storage_class": STORAGE_CLASS,
}
LATER_SECONDS = 30
"""Within how long all must be done once the program says so."""
COMPONENTS = ["traefik", "cert-manager", "hello"]


@dataclass(frozen=True)
class HandedOver:
    """A cluster after `bootstrap/install`.

    Attributes:
        rollout: What there is; its bootstrap is the program's run.
        refused: A run before it, with the kubeconfig of another cluster.
        left: What that run left in the cluster: the names of all namespaces.
    """

    rollout: Rollout
    refused: Finished
    left: tuple[set[str], set[str]]


def install(user: User, **environment: str) -> Finished:
    """Run the program as the README of the repository argocd has it."""
    return user.run("bootstrap/install", cwd=user.workspace / "argocd", environment=environment)


def namespaces(bed: Bed) -> set[str]:
    """Return the names of all namespaces."""
    return {item["metadata"]["name"] for item in bed.api.objects("Namespace")}


def specifications(bed: Bed) -> Mapping[tuple[str, str], object]:
    """Return what each workload and each Application is told to be, by kind and name."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Application")
    return {(kind, item["metadata"]["name"]): item["spec"] for kind in kinds for item in bed.api.objects(kind)}


@pytest.fixture(scope="module")
def handed_over(bed: Bed, evidence: Callable[[str], None]) -> HandedOver:
    user = User(bed)
    printed = user.make_repositories(
        "existing-cluster",
        ("argocd", "apps"),
        name="home",
        git_base_url=user.url("argocd").rpartition("/")[0],
        existing_cluster=CLUSTER,
        components=COMPONENTS,
    )
    assert not (user.workspace / "infra").exists()
    other = bed.folder / "other.kubeconfig"
    other.write_text(bed.control_plane.kubeconfig.read_text().replace(":6443", ":6444"))
    before = namespaces(bed)
    refused = install(user, KUBECONFIG=str(other))
    left = before, namespaces(bed)
    begin = time.monotonic()
    with Timeline(bed.api) as timeline:
        done = install(user)
        assert done.code == 0, f"{done.all}\n{bed.report()}"
        evidence(f"bootstrap/install ended after {time.monotonic() - begin:.0f} s")
        rollout = Rollout(bed, user, printed, done, timeline, 0.0)
        # An Application is Synced and Healthy a moment before its sync ends.
        rollout.wait_until_done(timeout=LATER_SECONDS)
    return HandedOver(rollout, refused, left)


def test_another_cluster_is_named_and_left_alone(handed_over: HandedOver) -> None:
    assert handed_over.refused.code == 1
    assert f"this cluster is at {CLUSTER['api']}" in handed_over.refused.err
    assert handed_over.left[0] == handed_over.left[1]


def test_all_of_it_is_done_in_the_order_of_the_waves(handed_over: HandedOver, evidence: Callable[[str], None]) -> None:
    rollout = handed_over.rollout
    times = rollout.timeline
    assert set(times.created) == rollout.names()
    for name, wave in rollout.order():
        evidence(f"wave {wave:4}  {name:18} appeared {times.created[name]:6.1f} s, done {times.healthy[name]:6.1f} s")
    assert rollout.out_of_order() == []


def test_every_secret_has_the_bytes_of_the_vault(handed_over: HandedOver) -> None:
    rollout = handed_over.rollout
    vault, secrets = vault_of(rollout), catalogue_of(rollout).secrets
    assert len(secrets) >= len(COMPONENTS)
    # The names alone are printed when this fails.
    differing = [one.id for one in secrets if not expected(vault, one).items() <= data_of(rollout, one.id).items()]
    assert differing == []


def test_the_second_time_nothing_changes(handed_over: HandedOver, bed: Bed, evidence: Callable[[str], None]) -> None:
    before, begin = specifications(bed), time.monotonic()
    done = install(handed_over.rollout.user)
    assert done.code == 0, done.all
    evidence(f"bootstrap/install again: {time.monotonic() - begin:.0f} s")
    assert specifications(bed) == before
