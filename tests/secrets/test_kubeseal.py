"""The real kubeseal unseals what we seal, and we unseal what it seals."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.secrets.catalogue.model import Secret
from generator.secrets.catalogue.scope import Scope
from generator.secrets.seal import seal_repository
from generator.secrets.sealing.crypto import Sealer, load_private_keys, unseal
from generator.secrets.sealing.manifest import Sealed, parse, render
from generator.secrets.vault.plaintext import Plaintext
from tests.secrets.conftest import FULL
from tests.secrets.interop import recovered, run, write_key_secret
from tests.secrets.test_manifest import TORTURE

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace

pytestmark = pytest.mark.tools


@pytest.fixture
def key_file(tmp_path: Path, sealing_key: SealingKey) -> str:
    """Our key as the Secret that the cluster gets."""
    return write_key_secret(tmp_path / "key-secret.json", sealing_key.certificate, sealing_key.private_key)


@pytest.fixture
def certificate_file(tmp_path: Path, sealing_key: SealingKey) -> str:
    path = tmp_path / "cert.pem"
    path.write_text(sealing_key.certificate)
    return str(path)


def test_it_unseals_every_manifest_to_exactly_the_vaults_bytes(
    kubeseal: Path, workspace: Workspace, key_file: str
) -> None:
    report = workspace.seal()
    keys = load_private_keys([workspace.key.private_key])
    for secret in workspace.catalogue().secrets:
        content = (workspace.root / secret.manifest_path).read_bytes()
        theirs = recovered(kubeseal, key_file, content)
        ours = parse(content.decode())
        assert ours is not None
        label = Scope.STRICT.label(secret.namespace, secret.name)
        assert theirs["data"] == {
            key: unseal(keys, value, label).reveal() for key, value in ours.sealed.ciphertexts.items()
        }
        assert set(theirs["data"]) == set(secret.data)
        assert theirs.get("type", "Opaque") == secret.type
        assert theirs["metadata"].get("labels", {}) == dict(secret.labels)
        assert theirs["metadata"].get("annotations", {}) == dict(secret.annotations)
    values = report.vault.values
    token = recovered(kubeseal, key_file, workspace.files()["secrets/registry/push-token.sealed.yaml"])["data"]
    assert token["token"] == workspace.external["FMC_TEST_TOKEN"].encode()
    assert token["admin"] == values["registry/push-token"]["admin"].secret.reveal()


def test_it_unseals_with_the_bare_private_key_too(kubeseal: Path, workspace: Workspace, tmp_path: Path) -> None:
    workspace.seal()
    bare = tmp_path / "key.pem"
    bare.write_bytes(workspace.key.private_key.reveal())
    secret = recovered(kubeseal, str(bare), workspace.files()["secrets/traefik/dashboard-users.sealed.yaml"])
    assert secret["data"]["users"].startswith(b"ops:$2y$04$")


def test_a_rotated_secret_is_the_new_one_with_the_key_that_pods_wait_for(
    kubeseal: Path, workspace: Workspace, key_file: str
) -> None:
    workspace.write_catalogue(FULL.replace("    name: push-token\n", "    name: push-token\n    revision_key: true\n"))
    workspace.seal()
    place = ("registry/push-token", "admin")
    old = workspace.open().values[place[0]][place[1]]
    seal_repository(workspace.store, {}, workspace.now + timedelta(days=1), renewed={place: None})
    new = workspace.open().values[place[0]][place[1]]
    data = recovered(kubeseal, key_file, workspace.files()["secrets/registry/push-token.sealed.yaml"])["data"]
    assert data == {
        "token": workspace.external["FMC_TEST_TOKEN"].encode(),
        "admin": new.secret.reveal(),
        f"push-token.{new.revision}": new.revision.encode(),
    }
    assert old.secret != new.secret


def test_it_refuses_a_manifest_that_was_renamed(kubeseal: Path, workspace: Workspace, key_file: str) -> None:
    workspace.seal()
    content = workspace.files()["secrets/traefik/dashboard-users.sealed.yaml"].replace(b"dashboard-users", b"other")
    arguments = ("--recovery-unseal", "--recovery-private-key", key_file)
    done = subprocess.run([kubeseal, *arguments], input=content, capture_output=True, check=False)
    assert done.returncode != 0
    assert b"no key could decrypt secret" in done.stderr


def test_nasty_texts_reach_it_unchanged(kubeseal: Path, sealing_key: SealingKey, key_file: str) -> None:
    """As values, as names, as keys and as annotations: its reader is a YAML 1.1 one."""
    texts = {f"k{index}": text for index, text in enumerate(TORTURE)}
    annotations = {f"example.com/{key}": text for key, text in texts.items()}
    sealer, label = Sealer(sealing_key.certificate.encode()), Scope.STRICT.label("n", "y")
    ciphertexts = {key: sealer.seal(Plaintext(text.encode()), label) for key, text in {**texts, "no": "1e3"}.items()}
    secret = Secret("n", "y", 1, "Opaque", {"on": "1e3"}, annotations, "", "", (), {}, {})
    theirs = recovered(kubeseal, key_file, render(secret, Sealed(sealer.fingerprint, {}, ciphertexts, {})))
    assert {key: value.decode() for key, value in theirs["data"].items()} == {**texts, "no": "1e3"}
    assert theirs["metadata"]["annotations"] == annotations
    assert theirs["metadata"]["labels"] == {"on": "1e3"}
    assert (theirs["metadata"]["namespace"], theirs["metadata"]["name"]) == ("n", "y")


@pytest.mark.parametrize("content", [b"", b"hunter2", bytes(range(256)), b"\x00" * (1 << 20)], ids=len)
@pytest.mark.parametrize("scope", Scope)
def test_we_unseal_single_values_that_it_sealed(
    kubeseal: Path, sealing_key: SealingKey, certificate_file: str, scope: Scope, content: bytes
) -> None:
    place = ("--namespace", "argocd", "--name", "repo-main", "--scope", scope.value)
    sealed = run(kubeseal, "--raw", "--cert", certificate_file, *place, stdin=content).decode()
    keys = load_private_keys([sealing_key.private_key])
    assert unseal(keys, sealed, scope.label("argocd", "repo-main")).reveal() == content


def test_we_unseal_whole_documents_that_it_sealed(
    kubeseal: Path, sealing_key: SealingKey, certificate_file: str
) -> None:
    keys = load_private_keys([sealing_key.private_key])

    @settings(max_examples=15, deadline=None)
    @given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=200), min_size=1))
    def round_trip(data: dict[str, bytes]) -> None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "app", "namespace": "apps"},
            "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
        }
        arguments = ("--cert", certificate_file, "--format", "json")
        sealed = json.loads(run(kubeseal, *arguments, stdin=json.dumps(secret).encode()))
        label = Scope.STRICT.label("apps", "app")
        assert data == {
            key: unseal(keys, value, label).reveal() for key, value in sealed["spec"]["encryptedData"].items()
        }

    round_trip()
