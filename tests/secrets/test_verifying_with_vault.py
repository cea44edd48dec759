"""Checking sealed manifests against the vault: what a stranger sealed is found, though it is well-formed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from generator.findings import Severity
from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.crypto import Sealer
from generator.secrets.sealing.disputes import Preference
from generator.secrets.sealing.manifest import Sealed, parse, render
from generator.secrets.set_value import set_value
from generator.secrets.vault.plaintext import Plaintext
from generator.secrets.verifying.with_vault import verify_with_vault
from generator.secrets.verifying.without_vault import verify_manifests
from tests.secrets.conftest import FULL, NOW

if TYPE_CHECKING:
    from generator.findings import Finding
    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace

USERS = "secrets/traefik/dashboard-users.sealed.yaml"


def verify(workspace: Workspace, after: timedelta = timedelta()) -> list[Finding]:
    return verify_with_vault(workspace.root, workspace.open(), NOW + after)


def test_a_sealed_repository_has_no_findings(workspace: Workspace) -> None:
    workspace.seal()
    assert verify(workspace) == []


def test_a_value_that_a_stranger_sealed_to_the_committed_certificate_is_found(workspace: Workspace) -> None:
    workspace.seal()
    file = workspace.root / USERS
    manifest = parse(file.read_text())
    (secret,) = [secret for secret in workspace.catalogue().secrets if secret.manifest_path == USERS]
    assert manifest is not None
    sealer = Sealer((workspace.root / "secrets/sealing-cert.pem").read_bytes())
    planted = {"users": sealer.seal(Plaintext(b"mallory:x"), Scope.STRICT.label(secret.namespace, secret.name))}
    file.write_bytes(
        render(secret, Sealed(sealer.fingerprint, manifest.sealed.fingerprints, planted, manifest.sealed.lineages))
    )
    assert verify_manifests(workspace.root) == []
    (finding,) = verify(workspace)
    assert (finding.rule, finding.file, finding.path) == ("secrets/foreign-value", USERS, "users")
    assert planted["users"] in file.read_text().splitlines()[finding.line - 1]
    assert "`fmc seal --prefer-vault traefik/dashboard-users`" in finding.fix
    assert "--prefer-git" not in finding.fix, "of a hash there is no way back to the value"
    workspace.seal(Preference(vault=frozenset({"traefik/dashboard-users"})))
    assert verify(workspace) == []


def test_values_that_changed_places_are_found(workspace: Workspace) -> None:
    """Nothing in the format binds a value to its key."""
    workspace.seal()
    file = workspace.root / "secrets/registry/push-token.sealed.yaml"
    file.write_text(
        file.read_text()
        .replace('    "admin"', '    "x"')
        .replace('    "token"', '    "admin"')
        .replace('    "x"', '    "token"')
    )
    assert {(finding.rule, finding.path) for finding in verify(workspace)} == {
        ("secrets/foreign-value", "admin"),
        ("secrets/foreign-value", "token"),
    }


def test_a_value_that_was_set_and_not_sealed_is_found(workspace: Workspace) -> None:
    workspace.seal()
    target = ("registry/push-token", "token", b"a-newer-token", NOW)
    set_value(workspace.store, *target)
    (finding,) = verify(workspace)
    assert (finding.rule, finding.path, finding.fix) == ("secrets/outdated", "token", "Run `fmc seal`.")
    workspace.external = {}
    workspace.seal()
    assert verify(workspace) == []


def test_a_certificate_that_is_due_for_renewal_is_found(workspace: Workspace) -> None:
    workspace.seal()
    assert verify(workspace, timedelta(days=60)) == []
    found = {(finding.rule, finding.path) for finding in verify(workspace, timedelta(days=61))}
    assert found == {("secrets/outdated", "tls.crt"), ("secrets/outdated", "tls.key"), ("secrets/outdated", "ca.crt")}


def test_a_swapped_certificate_is_one_finding(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    (workspace.root / "secrets/sealing-cert.pem").write_text(other_key.certificate)
    (finding,) = verify(workspace)
    assert (finding.rule, finding.file) == ("secrets/vault", "secrets/sealing-cert.pem")
    assert "none of the vault's" in finding.message


def test_a_pending_value_and_a_missing_manifest_are_not_said_twice(workspace: Workspace) -> None:
    workspace.external = {}
    workspace.seal()
    (workspace.root / USERS).unlink()
    assert verify(workspace) == []
    assert {finding.rule for finding in verify_manifests(workspace.root)} == {"secrets/missing"}


def test_a_catalogue_with_findings_is_left_to_its_own_check(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL.replace("generator: ssh-key", "generator: ssh-kee"))
    assert verify(workspace) == []


def test_the_catalogue_of_another_cluster_is_found(workspace: Workspace) -> None:
    """Faults E16."""
    workspace.seal()
    workspace.write_catalogue(FULL.replace("cluster: home", "cluster: lab"))
    (finding,) = verify(workspace)
    assert (finding.rule, finding.severity) == ("secrets/vault", Severity.ERROR)
    assert "of the cluster lab, the vault of home" in finding.message
