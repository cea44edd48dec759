"""When values are due: in the list, as a warning of `fmc check`, and what `fmc renew` takes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError
from generator.findings import Severity
from generator.secrets.listing import list_secrets
from generator.secrets.rotate import plan_rotation
from generator.secrets.seal import seal_repository
from generator.secrets.selection import Order
from generator.secrets.vault.keys import certificate_end
from generator.secrets.verify import verify_secrets
from tests.secrets.conftest import FULL, NOW

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from generator.findings import Finding
    from tests.secrets.conftest import Workspace

WEB, ADMIN = ("traefik/default-certificate", "web"), ("registry/push-token", "admin")
DUE = Order(due=True, certificates=True)
AGED = FULL.replace("generator: password, length: 48", "generator: password, max_age: 30")


def due(workspace: Workspace) -> list[Finding]:
    """What `fmc check` says about what is due."""
    found = verify_secrets(workspace.root, workspace.open(), workspace.now)
    return [finding for finding in found if finding.rule == "secrets/due"]


def renewed(workspace: Workspace, order: Order) -> Mapping[tuple[str, str], bytes | None]:
    return plan_rotation(workspace.store, order, {}, workspace.now).renewed


def test_the_sealing_certificate_is_told_of_90_days_before_its_end_and_stops_nothing(workspace: Workspace) -> None:
    """Also without the vault; the remedy is followed in tests/pipeline/test_bad_secrets.py."""
    workspace.seal()
    end = certificate_end(workspace.key.certificate.encode())

    def told(now: datetime) -> list[tuple[Severity, str]]:
        found = verify_secrets(workspace.root, None, now)
        return [(one.severity, one.message) for one in found if one.rule == "secrets/certificate-ends"]

    assert told(end - timedelta(days=90, seconds=1)) == []
    said = f"the sealing certificate {{}} on {end:%Y-%m-%d}: then nothing is sealed to it"
    assert told(end - timedelta(days=90)) == [(Severity.WARNING, said.format("ends"))]
    assert told(end + timedelta(seconds=1)) == [(Severity.WARNING, said.format("ended"))]


def test_the_list_says_when_a_value_is_due(workspace: Workspace) -> None:
    workspace.write_catalogue(AGED)
    assert {row.due_at for row in list_secrets(workspace.store, NOW)} == {None}
    workspace.seal()
    dates = {(row.id, row.value): row.due_at for row in list_secrets(workspace.store, NOW) if row.due_at}
    # The certificate lasts for 90 days, and its last 30 are for its successor.
    assert dates == {WEB: NOW + timedelta(days=60), ADMIN: NOW + timedelta(days=30)}


def test_a_certificate_is_told_of_before_its_last_days_and_renewed_at_once(workspace: Workspace) -> None:
    workspace.seal()
    workspace.now = NOW + timedelta(days=30) - timedelta(seconds=1)
    assert (due(workspace), renewed(workspace, DUE)) == ([], {})
    workspace.now = NOW + timedelta(days=30)
    (finding,) = due(workspace)
    assert (finding.severity, finding.path) == (Severity.WARNING, "traefik/default-certificate: web")
    assert "to be renewed by 2027-01-23" in finding.message
    assert "`fmc renew`" in finding.fix
    assert list(renewed(workspace, DUE)) == [WEB]
    # What is due soon is no matter of `fmc rotate --due` yet.
    assert renewed(workspace, Order(due=True)) == {}
    seal_repository(workspace.store, {}, workspace.now, renewed=renewed(workspace, DUE))
    assert (due(workspace), renewed(workspace, DUE)) == ([], {})


def test_in_its_last_days_it_is_outdated_and_said_once(workspace: Workspace) -> None:
    workspace.seal()
    workspace.now = NOW + timedelta(days=60, seconds=1)
    found = verify_secrets(workspace.root, workspace.open(), workspace.now)
    assert {finding.rule for finding in found} == {"secrets/outdated"}
    assert list(renewed(workspace, DUE)) == [WEB]


def test_a_value_past_its_age_is_a_warning_until_it_is_replaced(workspace: Workspace) -> None:
    workspace.write_catalogue(AGED)
    workspace.seal()
    workspace.now = NOW + timedelta(days=29)
    assert [finding.path for finding in due(workspace)] == []
    workspace.now = NOW + timedelta(days=30)
    aged = next(finding for finding in due(workspace) if "admin" in finding.path)
    assert aged.message == "admin of registry/push-token is due on 2026-12-24"
    assert "`fmc rotate registry/push-token:admin`" in aged.fix
    seal_repository(workspace.store, {}, workspace.now, renewed=renewed(workspace, Order(due=True)))
    assert [finding.path for finding in due(workspace) if "admin" in finding.path] == []


def test_only_certificates_are_renewed(workspace: Workspace) -> None:
    workspace.seal()
    assert list(renewed(workspace, Order(everything=True, certificates=True))) == [WEB]
    assert list(renewed(workspace, Order(names=(WEB[0],), certificates=True))) == [WEB]
    with pytest.raises(BadInputError, match="admin of argocd/argocd-secret is no certificate") as caught:
        renewed(workspace, Order(names=("argocd/argocd-secret",), certificates=True))
    assert "`fmc rotate argocd/argocd-secret:admin`" in (caught.value.fix or "")
