"""The list of secrets: what there is, when it was made, whether it is sealed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyrage
import pytest

from generator.errors import BadInputError, VaultError
from generator.secrets.listing import SecretRow, State, list_secrets
from generator.secrets.set_value import set_value
from tests.secrets.conftest import NOW

if TYPE_CHECKING:
    from tests.secrets.conftest import Workspace

ALL = {
    ("argocd/argocd-secret", "admin"),
    ("argocd/repo-infra", "deploy-key"),
    ("traefik/dashboard-users", "dashboard"),
    ("traefik/default-certificate", "web"),
    ("registry/push-token", "token"),
    ("registry/push-token", "admin"),
}


def rows(workspace: Workspace) -> tuple[SecretRow, ...]:
    return list_secrets(workspace.store, NOW)


def states(workspace: Workspace) -> dict[tuple[str, str], State]:
    return {(row.id, row.value): row.state for row in rows(workspace)}


def test_a_sealed_repository_lists_every_value_as_sealed(workspace: Workspace) -> None:
    workspace.seal()
    assert states(workspace) == dict.fromkeys(ALL, State.SEALED)
    first = rows(workspace)[0]
    assert first == SecretRow(
        "argocd/argocd-secret",
        "admin",
        first.generator,
        NOW,
        None,
        ("Deployment/argocd-server",),
        State.SEALED,
        "",
    )
    assert {row.env for row in rows(workspace)} == {"", "FMC_TEST_TOKEN"}


def test_listing_writes_nothing_and_shows_no_secret(workspace: Workspace) -> None:
    report = workspace.seal()
    before = {path: path.stat().st_mtime_ns for path in workspace.folder.rglob("*")}
    shown = str(rows(workspace)).encode()
    assert not [needle for needle in report.plaintexts() if needle in shown]
    assert {path: path.stat().st_mtime_ns for path in workspace.folder.rglob("*")} == before


def test_a_value_that_nobody_supplied_is_pending_and_holds_its_secret_back(workspace: Workspace) -> None:
    workspace.external = {}
    workspace.seal()
    found = states(workspace)
    assert found.pop(("registry/push-token", "token")) is State.PENDING
    assert found.pop(("registry/push-token", "admin")) is State.UNSEALED
    assert set(found.values()) == {State.SEALED}
    (made_at,) = [row.made_at for row in rows(workspace) if row.value == "token"]
    assert made_at is None


def test_a_value_that_was_set_after_sealing_is_outdated(workspace: Workspace) -> None:
    workspace.seal()
    plaintext = b"correct horse battery staple"
    later = NOW + timedelta(hours=1)
    set_value(workspace.store, "argocd/argocd-secret", None, plaintext, later)
    found = states(workspace)
    assert found.pop(("argocd/argocd-secret", "admin")) is State.OUTDATED
    assert set(found.values()) == {State.SEALED}
    assert rows(workspace)[0].made_at == later
    workspace.seal()
    assert set(states(workspace).values()) == {State.SEALED}


def test_a_manifest_that_is_missing_or_foreign_is_unsealed(workspace: Workspace) -> None:
    workspace.seal()
    (workspace.root / "secrets/argocd/argocd-secret.sealed.yaml").unlink()
    (workspace.root / "secrets/argocd/repo-infra.sealed.yaml").write_bytes(b"\xff")
    found = {key: state for key, state in states(workspace).items() if state is not State.SEALED}
    assert found == {
        ("argocd/argocd-secret", "admin"): State.UNSEALED,
        ("argocd/repo-infra", "deploy-key"): State.UNSEALED,
    }


@pytest.mark.parametrize("lost", ["vault", "identity"])
def test_without_vault_or_identity_the_repository_tells_what_it_can(workspace: Workspace, lost: str) -> None:
    workspace.external = {}
    workspace.seal()
    (workspace.vault if lost == "vault" else workspace.identities.path).unlink()
    found = states(workspace)
    assert set(found) == ALL
    assert {key for key, state in found.items() if state is State.UNSEALED} == {
        ("registry/push-token", "token"),
        ("registry/push-token", "admin"),
    }
    assert {row.made_at for row in rows(workspace)} == {None}


def test_before_the_first_sealing_everything_is_unsealed(workspace: Workspace) -> None:
    assert states(workspace) == dict.fromkeys(ALL, State.UNSEALED)
    assert not workspace.vault.exists()


def test_an_identity_that_does_not_fit_is_said(workspace: Workspace) -> None:
    workspace.seal()
    workspace.identities.path.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(VaultError, match="opens the vault"):
        rows(workspace)


def test_without_a_catalogue_there_is_nothing_to_list(workspace: Workspace) -> None:
    (workspace.root / "secrets/catalogue.yaml").unlink()
    with pytest.raises(BadInputError, match="can't read the catalogue"):
        rows(workspace)
