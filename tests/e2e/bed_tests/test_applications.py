"""When an Application counts as done."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.e2e.applications import complaints
from tests.e2e.bed.bed import describe

URL = "https://git.example.com/home/argocd.git"
DONE: dict[str, Any] = {
    "metadata": {"name": "traefik"},
    "spec": {"sources": [{"repoURL": "https://charts.example.com", "chart": "traefik"}, {"repoURL": URL}]},
    "status": {
        "sync": {"status": "Synced", "revisions": ["41.3.0", "abc"]},
        "health": {"status": "Healthy"},
        "operationState": {"phase": "Succeeded", "message": "successfully synced"},
    },
}


def changed(**status: Any) -> dict[str, Any]:
    application = copy.deepcopy(DONE)
    application["status"] |= status
    return application


def test_one_that_is_done() -> None:
    assert complaints(DONE, {URL: "abc"}) == []


def test_one_that_had_nothing_to_do() -> None:
    application = copy.deepcopy(DONE)
    del application["status"]["operationState"]
    assert complaints(application, {URL: "abc"}) == []


@pytest.mark.parametrize(
    ("application", "complaint"),
    [
        (changed(sync={"status": "OutOfSync", "revisions": ["41.3.0", "abc"]}), "sync is OutOfSync"),
        (changed(health={"status": "Progressing"}), "health is Progressing"),
        (changed(operationState={"phase": "Failed"}), "its operation is Failed"),
        ({**DONE, "operation": {}, "status": {**DONE["status"], "operationState": {"phase": "Running"}}}, "Running"),
        (changed(sync={"status": "Synced", "revisions": ["41.3.0", "old"]}), f"it is at old of {URL}, not abc"),
        ({"spec": {"source": {"repoURL": URL}}}, "sync is None"),
    ],
)
def test_one_that_is_not(application: dict[str, Any], complaint: str) -> None:
    found = complaints(application, {URL: "abc"})
    assert any(complaint in each for each in found), found


def test_its_state_in_a_line() -> None:
    assert describe(DONE) == "application traefik: Synced, Healthy, Succeeded successfully synced"
    assert describe({"metadata": {"name": "new"}}) == "application new: -, -, -"
