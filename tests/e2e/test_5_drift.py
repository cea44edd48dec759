"""What people change in the cluster by hand goes back to what Git says."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.e2e.applications import applications
from tests.e2e.bed.api import Object
from tests.e2e.bed.waiting import wait_for
from tests.e2e.rollout import Rollout

_HEALTH = "resource.customizations.health.argoproj.io_Application"


def healed(rollout: Rollout, what: str, probe: Callable[[], object], evidence: Callable[[str], None]) -> None:
    begin = time.monotonic()
    wait_for(what, probe, timeout=120, report=rollout.report)
    evidence(f"{what} after {time.monotonic() - begin:.1f} s; all done {rollout.wait_until_done():.1f} s later")


def uid(found: Object | None) -> str | None:
    return None if found is None else found["metadata"]["uid"]


def test_changed_replicas(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    api = rollout.bed.api
    wanted = api.get("Deployment", "hello-staging", "hello")
    assert wanted is not None
    rollout.user.kubectl("-n", "hello-staging", "scale", "deployment/hello", "--replicas=7")

    def back() -> bool:
        found = api.get("Deployment", "hello-staging", "hello")
        return found is not None and found["spec"]["replicas"] == wanted["spec"]["replicas"]

    healed(rollout, "seven replicas went back", back, evidence)


def test_a_deleted_sealed_secret(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    api, place = rollout.bed.api, ("traefik", "traefik-dashboard-auth")
    before = api.get("Secret", *place)
    assert before is not None
    rollout.user.kubectl("-n", place[0], "delete", "sealedsecret", place[1])

    def back() -> bool:
        found = api.get("Secret", *place)
        return found is not None and uid(found) != uid(before) and found["data"] == before["data"]

    healed(rollout, "the Secret came back, another object with the same bytes,", back, evidence)


def test_a_deleted_application_that_keeps_what_it_holds(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    api = rollout.bed.api
    before = applications(api)["secrets"]
    held = {name: uid(api.get("Secret", *name.split("/"))) for name in ("argocd/argocd-secret", "traefik/wildcard-tls")}
    rollout.user.kubectl("-n", "argocd", "delete", "application", "secrets")
    healed(
        rollout,
        "the Application secrets came back",
        lambda: uid(applications(api).get("secrets")) not in (None, uid(before)),
        evidence,
    )
    assert held == {name: uid(api.get("Secret", *name.split("/"))) for name in held}


def test_a_deleted_application_that_takes_along_what_it_holds(
    rollout: Rollout, evidence: Callable[[str], None]
) -> None:
    api = rollout.bed.api
    before = api.get("DaemonSet", "traefik", "traefik")
    rollout.user.kubectl("-n", "argocd", "delete", "application", "traefik", "--wait=false")
    healed(
        rollout,
        "Traefik came back",
        lambda: uid(api.get("DaemonSet", "traefik", "traefik")) not in (None, uid(before)),
        evidence,
    )


def test_edited_settings_of_argo_cd(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    api = rollout.bed.api

    def check() -> str | None:
        settings = api.get("ConfigMap", "argocd", "argocd-cm")
        assert settings is not None
        text: str | None = settings["data"].get(_HEALTH)
        return text

    wanted = check()
    assert wanted
    api.patch("ConfigMap", "argocd", "argocd-cm", {"data": {_HEALTH: None}})
    healed(rollout, "the health check of Applications came back", lambda: check() == wanted, evidence)
