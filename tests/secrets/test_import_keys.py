"""Keys of a cluster that is there already: taken as kubectl prints them or in PEM, and checked before that."""

from __future__ import annotations

import base64
import itertools
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from generator.errors import BadInputError
from generator.secrets.export import export_keys
from generator.secrets.import_keys import KeyFile, import_keys, read_key_file
from generator.secrets.vault.plaintext import Plaintext
from tests.remedies.walk import advice, commands, do
from tests.secrets.conftest import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace


def secret(key: SealingKey, name: str = "sealed-secrets-keyx7k2p", state: str = "active") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": state}},
        "data": {
            "tls.crt": base64.b64encode(key.certificate.encode()).decode(),
            "tls.key": base64.b64encode(key.private_key.reveal()).decode(),
        },
    }


def given(*texts: str | bytes) -> list[KeyFile]:
    return [
        KeyFile(f"file {number}", Plaintext(text.encode() if isinstance(text, str) else text))
        for number, text in enumerate(texts)
    ]


def in_pkcs8(key: SealingKey, password: bytes = b"") -> bytes:
    loaded = serialization.load_pem_private_key(key.private_key.reveal(), None)
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def forms(key: SealingKey) -> dict[str, list[KeyFile]]:
    one, pem = secret(key), key.certificate.encode()
    return {
        "a Secret": given(yaml.safe_dump(one)),
        "a List": given(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [one]})),
        "JSON": given(json.dumps(one)),
        "PEM in one file": given(pem + key.private_key.reveal()),
        "PEM in two files": given(key.private_key.reveal(), pem),
        "PKCS#8": given(in_pkcs8(key), pem),
    }


@pytest.mark.parametrize("form", ["a Secret", "a List", "JSON", "PEM in one file", "PEM in two files", "PKCS#8"])
def test_each_form_gives_the_same_key(workspace: Workspace, other_key: SealingKey, form: str) -> None:
    workspace.seal()
    files = workspace.files()
    report = import_keys(workspace.store, forms(other_key)[form], NOW)
    assert len(report.taken) == 1
    taken = workspace.open().sealing_key(report.taken[0])
    assert taken is not None
    assert (taken.certificate, taken.private_key) == (other_key.certificate, other_key.private_key)
    assert taken.created == other_key.created
    # Sealed is as ever, and the cluster gets both.
    assert workspace.seal().written == ()
    assert workspace.files() == files
    assert len(json.loads(export_keys(workspace.store).reveal())["items"]) == 2
    assert import_keys(workspace.store, forms(other_key)[form], NOW).known == report.taken


def test_the_order_of_files_is_no_matter(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    pem: list[str | bytes] = [workspace.key.certificate, workspace.key.private_key.reveal(), other_key.certificate]
    begun, results = workspace.vault.read_bytes(), set()
    for order in itertools.permutations([*pem, other_key.private_key.reveal()]):
        workspace.vault.write_bytes(begun)
        report = import_keys(workspace.store, given(*order), NOW)
        assert report.known == ("sealed-secrets-key-1",)
        results.add((report.taken, workspace.open().sealing_keys))
    assert len(results) == 1


def test_a_name_that_is_taken_and_a_label_that_warns(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    lost = secret(other_key, "sealed-secrets-key-1", "compromised")
    (name,) = import_keys(workspace.store, given(json.dumps(lost)), NOW).taken
    assert name.startswith("sealed-secrets-key-1-")
    vault = workspace.open()
    assert vault.sealing_key("sealed-secrets-key-1") != vault.sealing_key(name)
    assert list(vault.compromised) == [key.fingerprint for key in vault.sealing_keys if key.name == name]


def test_what_is_no_pair_is_refused_and_nothing_is_taken(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    before = workspace.vault.read_bytes()
    mixed = secret(other_key)
    mixed["data"]["tls.crt"] = secret(workspace.key)["data"]["tls.crt"]
    cases = {
        "is not that of its private key": given(json.dumps(mixed)),
        "no certificate is that of the private key": given(workspace.key.certificate, other_key.private_key.reveal()),
        "1 certificates and 0 private keys are no pairs": given(other_key.certificate),
        "a private key in it is damaged or encrypted": given(other_key.certificate, in_pkcs8(other_key, b"word")),
        "a certificate in it can't be read": given(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", other_key.private_key.reveal()
        ),
        "an object in it has no tls.crt and tls.key": given("kind: ConfigMap\n"),
        "it is neither a Secret nor PEM": given("a: [\n"),
    }
    for message, files in cases.items():
        with pytest.raises(BadInputError, match=message) as caught:
            import_keys(workspace.store, [*files, *given(json.dumps(secret(other_key)))], NOW)
        assert not any(line in str(caught.value) for line in other_key.private_key.reveal().decode().splitlines()[1:-1])
    assert workspace.vault.read_bytes() == before
    assert "kubectl --namespace kube-system get secret" in advice(
        partial(import_keys, workspace.store, given(other_key.certificate), NOW), "Give the Secrets as the cluster has"
    )
    assert import_keys(workspace.store, given(json.dumps(secret(other_key))), NOW).taken


def test_a_file_that_others_can_read_is_refused(workspace: Workspace, other_key: SealingKey, tmp_path: Path) -> None:
    workspace.seal()
    file = tmp_path / "my keys.yaml"
    file.write_text(json.dumps(secret(other_key)))
    file.chmod(0o644)
    (command,) = commands(advice(partial(read_key_file, file), "Close it, then run the same command again"))
    do(command, tmp_path)
    assert import_keys(workspace.store, [read_key_file(file)], NOW).taken
