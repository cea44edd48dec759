"""Checking sealed manifests without the vault: each rule catches its fault, and a sealed repository has none."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError
from generator.secrets.verifying.without_vault import verify_manifests
from tests.secrets.conftest import FULL

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace

ADMIN = "secrets/argocd/argocd-secret.sealed.yaml"
USERS = "secrets/traefik/dashboard-users.sealed.yaml"


def found(workspace: Workspace) -> list[tuple[str, str, int]]:
    return [(finding.rule, finding.file, finding.line) for finding in verify_manifests(workspace.root)]


def rewrite(workspace: Workspace, path: str, change: Callable[[str], str]) -> None:
    file = workspace.root / path
    text = file.read_text()
    assert change(text) != text
    file.write_text(change(text))


def damaged(text: str, change: Callable[[bytes], bytes]) -> str:
    """Damage the sealed htpasswd line of `USERS`."""
    sealed = next(line.split('"')[3] for line in text.splitlines() if line.startswith('    "users": '))
    return text.replace(sealed, base64.b64encode(change(base64.b64decode(sealed))).decode())


def test_a_sealed_repository_has_no_findings(workspace: Workspace) -> None:
    workspace.seal()
    assert verify_manifests(workspace.root) == []


def test_a_secret_that_was_never_sealed_is_a_warning(workspace: Workspace) -> None:
    findings = verify_manifests(workspace.root)
    assert {(finding.rule, finding.severity) for finding in findings} == {("secrets/missing", "warning")}
    assert [finding.line for finding in findings] == [secret.line for secret in workspace.catalogue().secrets]


def test_a_catalogue_with_findings_gives_those(workspace: Workspace) -> None:
    workspace.write_catalogue(FULL.replace("generator: ssh-key", "generator: ssh-kee"))
    assert [rule for rule, _, _ in found(workspace)] == ["catalogue/unknown-generator"]


def test_a_repository_without_a_catalogue_is_bad_input(workspace: Workspace) -> None:
    (workspace.root / "secrets/catalogue.yaml").unlink()
    with pytest.raises(BadInputError):
        verify_manifests(workspace.root)


def test_a_manifest_that_nobody_expects_is_found(workspace: Workspace) -> None:
    workspace.seal()
    (workspace.root / "secrets/planted.sealed.yaml").write_bytes((workspace.root / ADMIN).read_bytes())
    assert found(workspace) == [("secrets/unexpected", "secrets/planted.sealed.yaml", 0)]


def test_a_missing_or_damaged_certificate_is_found(workspace: Workspace) -> None:
    workspace.seal()
    certificate = workspace.root / "secrets/sealing-cert.pem"
    certificate.write_text("no certificate")
    assert found(workspace) == [("secrets/certificate", "secrets/sealing-cert.pem", 0)]
    certificate.unlink()
    assert found(workspace) == [("secrets/certificate", "secrets/sealing-cert.pem", 0)]


def test_a_swapped_certificate_is_found_in_every_manifest(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    (workspace.root / "secrets/sealing-cert.pem").write_text(other_key.certificate)
    assert [rule for rule, _, _ in found(workspace)] == ["secrets/sealing-key"] * 5


def test_a_manifest_by_another_hand_is_found(workspace: Workspace) -> None:
    workspace.seal()
    (workspace.root / ADMIN).write_text("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n")
    assert found(workspace) == [("secrets/foreign", ADMIN, 0)]
    (workspace.root / ADMIN).write_bytes(b"\xff\x00")
    assert found(workspace) == [("secrets/foreign", ADMIN, 0)]


def test_a_manifest_that_was_moved_is_found(workspace: Workspace) -> None:
    workspace.seal()
    (workspace.root / USERS).write_bytes((workspace.root / ADMIN).read_bytes())
    assert ("secrets/place", USERS, 0) in found(workspace)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: raw[:200], "200 bytes, at least 274"),
        (lambda raw: b"\x02\x00" + raw[2:] + bytes(512), "512 bytes, that of the certificate 256"),
    ],
    ids=["cut off", "another key size"],
)
def test_a_damaged_value_is_found_in_its_line(
    workspace: Workspace, change: Callable[[bytes], bytes], reason: str
) -> None:
    workspace.seal()
    rewrite(workspace, USERS, lambda text: damaged(text, change))
    (finding,) = verify_manifests(workspace.root)
    assert finding.rule == "secrets/ciphertext"
    assert reason in finding.message
    assert (workspace.root / USERS).read_text().splitlines()[finding.line - 1].startswith('    "users": ')


def test_a_value_that_is_no_base64_is_found(workspace: Workspace) -> None:
    workspace.seal()
    rewrite(workspace, USERS, lambda text: text.replace('    "users": "', '    "users": "*'))
    (finding,) = verify_manifests(workspace.root)
    assert (finding.rule, finding.message) == (
        "secrets/ciphertext",
        "the sealed value of users is damaged: it is not base64",
    )


def test_keys_that_differ_from_the_catalogue_are_found(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL.replace("      users: {from", "      auth: {from"))
    findings = verify_manifests(workspace.root)
    assert [(finding.rule, finding.path, finding.severity) for finding in findings] == [
        ("secrets/keys", "users", "error"),
        ("secrets/keys", "auth", "error"),
    ]


def test_a_key_that_may_wait_for_the_user_is_a_warning(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL + "      token2: {from: token}\n")
    (finding,) = verify_manifests(workspace.root)
    assert (finding.rule, finding.path, finding.severity) == ("secrets/keys", "token2", "warning")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('type: "Opaque"', 'type: "kubernetes.io/tls"'),
        ('sync-wave": "-1"', 'sync-wave": "5"'),
        ('"sealedsecrets.bitnami.com/patch": "true"', '"sealedsecrets.bitnami.com/managed": "true"'),
    ],
)
def test_a_manifest_that_was_edited_is_found_in_its_line(workspace: Workspace, old: str, new: str) -> None:
    workspace.seal()
    rewrite(workspace, ADMIN, lambda text: text.replace(old, new))
    ((rule, file, line),) = found(workspace)
    assert (rule, file) == ("secrets/edited", ADMIN)
    assert new in (workspace.root / ADMIN).read_text().splitlines()[line - 1]


def test_lines_that_were_added_at_the_end_are_found(workspace: Workspace) -> None:
    workspace.seal()
    count = len((workspace.root / ADMIN).read_text().splitlines())
    rewrite(workspace, ADMIN, lambda text: text + "---\nkind: ConfigMap\n")
    assert found(workspace) == [("secrets/edited", ADMIN, count + 1)]


def test_a_catalogue_that_changed_after_sealing_is_found(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL.replace('sync_wave: "-1"', 'sync_wave: "-2"'))
    assert [rule for rule, _, _ in found(workspace)] == ["secrets/edited"]
    workspace.seal()
    assert found(workspace) == []


def test_a_secret_that_is_too_large_for_kubernetes_is_found(workspace: Workspace) -> None:
    """Faults E16: 3 MB. Two values that fit alone are counted together."""
    workspace.external = {"FMC_TEST_TOKEN": "x" * ((1 << 20) - 47)}
    workspace.seal()
    (finding,) = verify_manifests(workspace.root)
    assert (finding.rule, finding.severity, finding.path) == ("secrets/size", "error", "registry/push-token")
    assert "have 1048577 bytes together, and Kubernetes takes 1048576" in finding.message
    workspace.external = {"FMC_TEST_TOKEN": "x" * ((1 << 20) - 48)}
    workspace.seal()
    assert verify_manifests(workspace.root) == []
