"""The real kubeseal unseals what we seal, and we unseal what it seals."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.errors import VaultError
from generator.secrets.catalogue.model import Secret
from generator.secrets.catalogue.scope import Scope
from generator.secrets.seal import seal_repository
from generator.secrets.sealing.crypto import Sealer, load_private_keys, unseal
from generator.secrets.sealing.manifest import Sealed, parse, render
from generator.secrets.vault.plaintext import Plaintext
from tests.secrets.conftest import FULL
from tests.secrets.interop import recovered, run, thousand_values, write_key_secret
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


@pytest.mark.parametrize("scope", Scope)
def test_a_thousand_values_reach_it_unchanged(
    kubeseal: Path, sealing_key: SealingKey, key_file: str, scope: Scope
) -> None:
    values, sealer = thousand_values(), Sealer(sealing_key.certificate.encode())
    label = scope.label("apps", "app")
    ciphertexts = {key: sealer.seal(Plaintext(value), label) for key, value in values.items()}
    secret = replace(Secret("apps", "app", 1, "Opaque", {}, {}, "", "", (), {}, {}), scope=scope)
    theirs = recovered(kubeseal, key_file, render(secret, Sealed(sealer.fingerprint, {}, ciphertexts, {})))
    assert len(values) == 1000
    assert {key for key, value in values.items() if theirs["data"][key] != value} == set()


@pytest.mark.parametrize("scope", Scope)
def test_a_thousand_values_that_it_sealed_come_back(
    kubeseal: Path, sealing_key: SealingKey, certificate_file: str, scope: Scope
) -> None:
    values = thousand_values()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "app", "namespace": "apps"},
        "data": {key: base64.b64encode(value).decode() for key, value in values.items()},
    }
    arguments = ("--cert", certificate_file, "--format", "json", "--scope", scope.value)
    sealed = json.loads(run(kubeseal, *arguments, stdin=json.dumps(secret).encode()))["spec"]["encryptedData"]
    keys, label = load_private_keys([sealing_key.private_key]), scope.label("apps", "app")
    assert {key for key, value in values.items() if unseal(keys, sealed[key], label).reveal() != value} == set()


@pytest.mark.parametrize("wrong", ["namespace", "name", "key", "certificate"])
def test_what_is_bound_to_something_else_opens_on_neither_side(
    kubeseal: Path, sealing_key: SealingKey, other_key: SealingKey, tmp_path: Path, wrong: str
) -> None:
    sealed_to, opened_with = (other_key if wrong == place else sealing_key for place in ("certificate", "key"))
    place = {"namespace": "apps", "name": "app"}
    elsewhere = {**place, wrong: "other"} if wrong in place else place
    secret = Secret(elsewhere["namespace"], elsewhere["name"], 1, "Opaque", {}, {}, "", "", (), {}, {})
    sealer = Sealer(sealed_to.certificate.encode())
    ours = sealer.seal(Plaintext(b"hunter2"), Scope.STRICT.label(**place))
    key_file = write_key_secret(tmp_path / "key.json", opened_with.certificate, opened_with.private_key)
    refused = subprocess.run(
        [kubeseal, "--recovery-unseal", "--recovery-private-key", key_file],
        input=render(secret, Sealed(sealer.fingerprint, {}, {"key": ours}, {})),
        capture_output=True,
        check=False,
    )
    assert refused.returncode != 0
    assert b"no key could decrypt secret" in refused.stderr
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(sealed_to.certificate)
    arguments = (item for field, value in place.items() for item in (f"--{field}", value))
    theirs = run(kubeseal, "--raw", "--cert", str(certificate), *arguments, stdin=b"hunter2").decode()
    with pytest.raises(VaultError, match="sealed to another key, or for another name"):
        unseal(load_private_keys([opened_with.private_key]), theirs, Scope.STRICT.label(**elsewhere))


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
