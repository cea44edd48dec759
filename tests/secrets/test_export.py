"""`fmc keys export`: the keys that a cluster gets are those of the vault, fit together, and open what is in Git."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from generator.errors import BadInputError, VaultError
from generator.secrets.catalogue.model import CERTIFICATE
from generator.secrets.export import export_keys
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.keys import certificate_fingerprint
from generator.secrets.vault.model import KeyRecord
from tests.conftest import require_tool
from tests.secrets.conftest import ROOT
from tests.secrets.interop import recovered

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace


def exported(workspace: Workspace) -> bytes:
    return export_keys(workspace.store).reveal()


def secrets(workspace: Workspace) -> list[dict[str, Any]]:
    document = json.loads(exported(workspace))
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    return list(document["items"])


def put_keys(workspace: Workspace, *keys: tuple[str, str, SealingKey]) -> None:
    """Give the vault other sealing keys: name, certificate, and whose private half."""
    records = tuple(
        KeyRecord(name=name, certificate=certificate, private_key=key.private_key, created=key.created)
        for name, certificate, key in keys
    )
    save_vault(workspace.vault, replace(workspace.open(), sealing_keys=records))


def test_the_secret_is_what_the_controller_loads(workspace: Workspace) -> None:
    workspace.seal()
    (secret,) = secrets(workspace)
    assert (secret["apiVersion"], secret["kind"], secret["type"]) == ("v1", "Secret", "kubernetes.io/tls")
    assert secret["metadata"] == {
        "name": "sealed-secrets-key-1",
        "namespace": "kube-system",
        "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
    }
    assert base64.b64decode(secret["data"]["tls.crt"]).decode() == workspace.key.certificate
    assert base64.b64decode(secret["data"]["tls.key"]) == workspace.key.private_key.reveal()


def test_every_generation_is_exported(workspace: Workspace, other_key: SealingKey) -> None:
    """What older commits are sealed to has to open, too."""
    workspace.seal()
    key = workspace.key
    put_keys(
        workspace,
        ("sealed-secrets-key-0", other_key.certificate, other_key),
        ("sealed-secrets-key-1", key.certificate, key),
    )
    assert [secret["metadata"]["name"] for secret in secrets(workspace)] == [
        "sealed-secrets-key-0",
        "sealed-secrets-key-1",
    ]


def test_nothing_is_written(workspace: Workspace) -> None:
    workspace.seal()
    before = {path: path.stat().st_mtime_ns for path in workspace.folder.rglob("*")}
    exported(workspace)
    assert {path: path.stat().st_mtime_ns for path in workspace.folder.rglob("*")} == before


def test_a_foreign_certificate_in_git_is_refused_with_both_fingerprints(
    workspace: Workspace, other_key: SealingKey
) -> None:
    workspace.seal()
    (workspace.root / CERTIFICATE).write_text(other_key.certificate)
    with pytest.raises(BadInputError) as caught:
        exported(workspace)
    for key in (workspace.key, other_key):
        assert certificate_fingerprint(key.certificate.encode()) in caught.value.message
    assert "git log secrets/sealing-cert.pem" in (caught.value.fix or "")


def test_an_older_certificate_of_the_vault_in_git_is_refused(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    key = workspace.key
    put_keys(
        workspace,
        ("sealed-secrets-key-0", key.certificate, key),
        ("sealed-secrets-key-1", other_key.certificate, other_key),
    )
    with pytest.raises(BadInputError, match=r"is sealed to SHA256:\S+, and the sealing key sealed-secrets-key-1 is"):
        exported(workspace)


def test_a_private_key_that_is_not_its_certificates_is_refused(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    put_keys(workspace, ("sealed-secrets-key-1", workspace.key.certificate, other_key))
    with pytest.raises(BadInputError, match="does not belong to its certificate") as caught:
        exported(workspace)
    assert "backup" in (caught.value.fix or "")


def test_a_key_that_the_vault_lacks_is_named(workspace: Workspace) -> None:
    workspace.seal()
    put_keys(workspace, ("sealed-secrets-key-0", workspace.key.certificate, workspace.key))
    with pytest.raises(BadInputError, match="names the sealing key sealed-secrets-key-1, the vault holds"):
        exported(workspace)


def test_before_anything_is_sealed_the_way_on_is_named(workspace: Workspace) -> None:
    with pytest.raises(VaultError, match=r"can't read .*: No such file or directory; it is the vault") as missing_vault:
        exported(workspace)
    assert "backup" in (missing_vault.value.fix or "")
    workspace.seal()
    (workspace.root / CERTIFICATE).unlink()
    with pytest.raises(BadInputError, match="can't read the committed sealing certificate") as missing_certificate:
        exported(workspace)
    assert "fmc seal" in (missing_certificate.value.fix or "")


def test_without_the_identity_nothing_comes_out(workspace: Workspace) -> None:
    workspace.seal()
    workspace.identities.path.unlink()
    with pytest.raises(VaultError, match="there is no identity at"):
        exported(workspace)


@pytest.mark.tools
def test_kubeseal_opens_the_repository_with_it(
    kubeseal: Path, workspace: Workspace, other_key: SealingKey, tmp_path: Path
) -> None:
    """With all generations in one document, whichever place the right one has."""
    workspace.seal()
    key = workspace.key
    put_keys(
        workspace,
        ("sealed-secrets-key-0", other_key.certificate, other_key),
        ("sealed-secrets-key-1", key.certificate, key),
    )
    file = tmp_path / "keys.json"
    file.write_bytes(exported(workspace))
    manifest = workspace.files()["secrets/registry/push-token.sealed.yaml"]
    secret = recovered(kubeseal, str(file), manifest)
    assert secret["data"]["token"] == workspace.external["FMC_TEST_TOKEN"].encode()


@pytest.mark.tools
def test_the_runbook_gives_the_same_without_fmc(workspace: Workspace) -> None:
    """From what `age --decrypt` prints of the vault."""
    workspace.seal()
    runbook = (ROOT / "templates/argocd/docs/runbooks/sealing-key.md").read_text()
    (program,) = re.findall(r"(?s)\| jq '(.*?)' \| kubectl apply --server-side", runbook)
    done = subprocess.run(
        [require_tool("jq"), program], input=workspace.open().to_json().reveal(), capture_output=True, check=True
    )
    assert [json.loads(done.stdout)] == secrets(workspace)
