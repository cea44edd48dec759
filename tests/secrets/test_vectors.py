"""What the real kubeseal sealed, our code unseals."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from generator.errors import VaultError
from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.crypto import Sealer, load_private_keys, unseal
from generator.secrets.vault.keys import certificate_fingerprint, key_fingerprint
from generator.secrets.vault.plaintext import Plaintext

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "kubeseal.json").read_text())
KEYS = load_private_keys([Plaintext(VECTORS["tls.key"].encode())])
CERTIFICATE = VECTORS["tls.crt"].encode()


def test_there_are_thirty_values_over_all_scopes_and_three_documents() -> None:
    assert len(VECTORS["raw"]) == 30
    assert {vector["scope"] for vector in VECTORS["raw"]} == {scope.value for scope in Scope}
    assert len(VECTORS["documents"]) == 3


@pytest.mark.parametrize("vector", VECTORS["raw"], ids=lambda vector: vector["scope"])
def test_a_single_value_unseals(vector: dict[str, str]) -> None:
    label = Scope(vector["scope"]).label(vector["namespace"], vector["name"])
    assert unseal(KEYS, vector["sealed"], label).reveal() == base64.b64decode(vector["plaintext_b64"])


@pytest.mark.parametrize("vector", VECTORS["raw"][:3], ids=lambda vector: vector["scope"])
def test_a_single_value_does_not_unseal_elsewhere(vector: dict[str, str]) -> None:
    with pytest.raises(VaultError, match="sealed to another key, or for another name"):
        unseal(KEYS, vector["sealed"], Scope.STRICT.label("elsewhere", vector["name"]))


@pytest.mark.parametrize("vector", VECTORS["documents"], ids=lambda vector: vector["scope"])
def test_a_document_unseals(vector: dict[str, Any]) -> None:
    document = YAML(typ="safe").load(vector["sealed_yaml"])
    place = document["metadata"]
    label = Scope(vector["scope"]).label(place["namespace"], place["name"])
    unsealed = {key: unseal(KEYS, value, label).reveal() for key, value in document["spec"]["encryptedData"].items()}
    assert unsealed == {"password": b"p", "url": b"https://git.example/x.git"}


def test_the_vectors_sealing_key_has_one_fingerprint_in_both_halves() -> None:
    assert certificate_fingerprint(CERTIFICATE) == key_fingerprint(KEYS[0].public_key())
    assert Sealer(CERTIFICATE).fingerprint == certificate_fingerprint(CERTIFICATE)
