"""What was pushed converges, wave by wave."""

from __future__ import annotations

from collections.abc import Callable

from generator.workspace import PARTS
from tests.e2e.applications import applications, complaints
from tests.e2e.rollout import Rollout


def test_the_remotes_have_what_fmc_says_it_pushed(rollout: Rollout) -> None:
    for part in PARTS:
        assert rollout.user.url(part) in rollout.pushed
        folder = rollout.user.workspace / part
        history = rollout.user.do(
            "git", "rev-list", "--abbrev-commit", "--abbrev=12", "origin/main", cwd=folder
        ).split()
        assert any(commit in rollout.pushed for commit in history)


def test_the_bootstrap_says_what_it_did(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    assert rollout.bootstrap.code == 0, rollout.bootstrap.all
    recap = next(line for line in rollout.bootstrap.out.splitlines() if "failed=" in line)
    evidence(recap)
    for name in rollout.names():
        assert name in rollout.bootstrap.out


def test_all_applications_are_done_at_the_pushed_revision(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    # An autoscaler may have added pods since the rollout.
    rollout.wait_until_done()
    present = applications(rollout.bed.api)
    assert set(present) == rollout.names()
    revisions = rollout.revisions()
    for name, application in sorted(present.items()):
        assert complaints(application, revisions) == [], name
        assert application["status"]["operationState"]["phase"] == "Succeeded"
        sync = application["status"]["sync"]
        evidence(f"{name}: Synced, Healthy, Succeeded at {sync.get('revision') or sync['revisions']}")
    evidence(f"{rollout.seconds:.1f} s after the bootstrap")


def test_an_application_appears_only_when_those_of_lower_waves_are_healthy(
    rollout: Rollout, evidence: Callable[[str], None]
) -> None:
    """By the times at which they appeared and became healthy; the gate that held wave 20 is passed by then."""
    times = rollout.timeline
    for name, wave in rollout.order():
        evidence(f"wave {wave:4}  {name:18} appeared {times.created[name]:6.1f} s, done {times.healthy[name]:6.1f} s")
    assert rollout.out_of_order() == []
