"""What breaks while the cluster works: everything converges afterwards, and nothing is lost."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.applications import applications
from tests.e2e.bed.bed import describe
from tests.e2e.bed.waiting import holds_for, wait_for
from tests.e2e.rollout import GATE, Rollout

AWAY_SECONDS = 60
_OVERLAY = Path("apps/hello/overlays/staging/kustomization.yaml")
_LOST = ("Deployment", "Secret", "SealedSecret", "Application", "ConfigMap")


@pytest.fixture(autouse=True)
def nothing_is_lost(rollout: Rollout) -> Iterator[None]:
    """Whatever was there before is there afterwards."""

    def present() -> set[tuple[str, str, str]]:
        api = rollout.bed.api
        found = ((kind, item["metadata"]) for kind in _LOST for item in api.objects(kind))
        return {(kind, each["namespace"], each["name"]) for kind, each in found if each["namespace"] != "kube-system"}

    before = present()
    yield
    assert before <= present()


def commit_a_change(rollout: Rollout) -> str:
    """Commit and push another number of replicas of hello in staging, and return it."""
    text, _, before = (rollout.user.workspace / "apps" / _OVERLAY).read_text().partition("replicas:")
    count = secrets.choice([number for number in "2345678" if number not in before])
    replicas = f"replicas:\n  - name: hello\n    count: {count}\n"
    rollout.user.commit("apps", f"{count} of hello in staging", {_OVERLAY: text + replicas})
    return count


def wait_for_the_change(rollout: Rollout, count: str, evidence: Callable[[str], None]) -> None:
    begin = time.monotonic()

    def is_there() -> bool:
        deployment = rollout.bed.api.get("Deployment", "hello-staging", "hello")
        return deployment is not None and str(deployment["spec"]["replicas"]) == count

    wait_for("the change", is_there, timeout=180, report=rollout.report)
    rollout.wait_until_done()
    evidence(f"the change arrived, all done after {time.monotonic() - begin:.1f} s")


def test_the_git_server_is_away_for_a_minute(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    api = rollout.bed.api
    pods = {pod["metadata"]["uid"] for pod in api.objects("Pod", "hello-staging")}
    rollout.bed.forge.stop()
    try:
        holds_for(
            "the pods of the apps while Git is away",
            lambda: {pod["metadata"]["uid"] for pod in api.objects("Pod", "hello-staging")} == pods,
            seconds=AWAY_SECONDS,
            pause=1,
        )
        state = describe(applications(api)["root"])
    finally:
        rollout.bed.forge.start()
    evidence(f"Git was away for {AWAY_SECONDS} s; every pod stayed; {state}")
    wait_for_the_change(rollout, commit_a_change(rollout), evidence)


def test_the_repo_server_is_killed(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    container = rollout.bed.kubelet.container("argocd-repo-server")
    before = container.pid
    count = commit_a_change(rollout)
    container.kill()
    wait_for_the_change(rollout, count, evidence)
    assert rollout.bed.kubelet.container("argocd-repo-server").pid != before


def test_the_application_controller_is_killed_in_mid_sync(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    """While root waits for a wave: Traefik's newer pods can't run."""
    bed = rollout.bed
    bed.kubelet.hold(*GATE)
    bumped = rollout.bump("traefik")
    rollout.wait_until_root_waits_for("traefik")
    container = bed.kubelet.container("argocd-application-controller")
    before = container.pid
    container.kill()
    evidence(f"killed in mid-sync: {describe(applications(bed.api)['root'])}")
    wait_for("the controller to run again", lambda: container.alive and container.pid != before, report=bed.report)
    bed.kubelet.release(*GATE)
    wait_for_the_change(rollout, commit_a_change(rollout), evidence)
    assert rollout.version_of("traefik") == bumped["traefik"]


def test_the_sealed_secrets_controller_is_restarted(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    user, api = rollout.user, rollout.bed.api
    before = api.get("Secret", "hello-staging", "hello-users")
    user.do("fmc", "secret", "set", "hello-staging/hello-users", stdin=secrets.token_urlsafe(24))
    user.do("fmc", "seal")
    rollout.bed.kubelet.container("controller").kill()
    user.do("git", "commit", "--quiet", "--all", "--message", "Rotate", cwd=user.workspace / "argocd")
    user.push("argocd")
    begin = time.monotonic()
    assert before is not None
    wait_for(
        "the re-sealed Secret",
        lambda: (api.get("Secret", "hello-staging", "hello-users") or before)["data"] != before["data"],
        timeout=120,
        report=rollout.report,
    )
    rollout.wait_until_done()
    evidence(f"the re-sealed Secret is there, all done after {time.monotonic() - begin:.1f} s")


def test_the_api_server_is_restarted(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    count = commit_a_change(rollout)
    rollout.bed.control_plane.restart("kube-apiserver")
    wait_for_the_change(rollout, count, evidence)
