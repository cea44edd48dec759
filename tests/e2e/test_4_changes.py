"""What is pushed later reaches the cluster: a commit, a new secret, a version bump of two waves in one commit."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import bcrypt

from tests.e2e.bed.waiting import holds_for, wait_for
from tests.e2e.rollout import Rollout

HELD_SECONDS = 15


def test_a_commit_rolls_out(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    overlay = Path("apps/hello/overlays/staging/kustomization.yaml")
    text = (rollout.user.workspace / "apps" / overlay).read_text()
    three = "replicas:\n  - name: hello\n    count: 3\n"
    rollout.user.commit("apps", "Three of them", {overlay: text + three})
    begin = time.monotonic()

    def rolled_out() -> bool:
        deployment = rollout.bed.api.get("Deployment", "hello-staging", "hello")
        return deployment is not None and deployment["status"].get("availableReplicas") == 3

    wait_for("three replicas", rolled_out, report=rollout.report)
    evidence(f"three replicas {time.monotonic() - begin:.1f} s after the push")
    evidence(f"all done {rollout.wait_until_done():.1f} s later")


def test_a_new_password_reaches_the_cluster(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    """The steps of docs/runbooks/rotate-a-secret.md."""
    user, password = rollout.user, secrets.token_urlsafe(24)
    user.do("fmc", "secret", "set", "traefik/traefik-dashboard-auth", stdin=password)
    user.do("fmc", "seal")
    argocd = user.workspace / "argocd"
    assert user.do("git", "status", "--porcelain", cwd=argocd).split() == [
        "M",
        "secrets/traefik/traefik-dashboard-auth.sealed.yaml",
    ]
    user.do("git", "commit", "--quiet", "--all", "--message", "Rotate the password of the dashboard", cwd=argocd)
    user.do("fmc", "check")
    user.do("fmc", "push")
    begin = time.monotonic()

    def is_there() -> bool:
        secret = rollout.bed.api.get("Secret", "traefik", "traefik-dashboard-auth")
        assert secret is not None
        name, _, hashed = base64.b64decode(secret["data"]["users"]).strip().partition(b":")
        return name == b"admin" and bcrypt.checkpw(password.encode(), hashed.replace(b"$2y$", b"$2b$"))

    wait_for("the new password", is_there, report=rollout.report)
    evidence(f"the Secret has the new password {time.monotonic() - begin:.1f} s after the push")
    evidence(f"all done {rollout.wait_until_done():.1f} s later")


def test_a_bump_of_two_waves_in_one_commit_goes_in_order(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    """Argo CD's own chart in wave -50, whose pods are replaced by it, and Traefik's in wave -10."""
    bed = rollout.bed
    bed.kubelet.hold("argocd", "argocd-server-")
    try:
        bumped = rollout.bump("argocd", "traefik")
        wait_for("Argo CD at its new version", lambda: rollout.version_of("argocd") == bumped["argocd"])
        wait_for(
            "the new pod of Argo CD's server",
            lambda: any(pod.name.startswith("argocd-server-") for pod in bed.kubelet.waiting),
            timeout=180,
            report=bed.report,
        )
        holds_for(
            "Traefik at its old version while Argo CD is not healthy at its new one",
            lambda: rollout.version_of("traefik") != bumped["traefik"],
            seconds=HELD_SECONDS,
        )
        evidence(f"argocd at {bumped['argocd']}, not healthy; traefik untouched for {HELD_SECONDS} s")
    finally:
        # The tests that follow need Argo CD.
        bed.kubelet.release("argocd", "argocd-server-")
    wait_for(
        "Traefik at its new version",
        lambda: rollout.version_of("traefik") == bumped["traefik"],
        timeout=120,
        report=bed.report,
    )
    evidence(f"gate opened; all done {rollout.wait_until_done():.1f} s after traefik went to {bumped['traefik']}")
