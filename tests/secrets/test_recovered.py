"""What a cluster has to make of the sealed manifests, and what is said where it makes something else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from generator.secrets.catalogue.scope import Scope
from generator.secrets.recovered import WantedSecret, opened_here, sealing_keys, wanted_secrets
from generator.secrets.sealing.crypto import Sealer
from generator.secrets.sealing.manifest import parse
from generator.secrets.vault.model import KeyRecord
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from generator.secrets.vault.keys import SealingKey
    from generator.secrets.vault.model import Vault
    from tests.secrets.conftest import Workspace


@pytest.fixture
def sealed(workspace: Workspace) -> tuple[Workspace, Vault]:
    workspace.seal()
    return workspace, workspace.open()


def one_with(wanted: tuple[WantedSecret, ...], key: str) -> WantedSecret:
    return next(one for one in wanted if key in one.sealed)


def test_every_key_of_every_secret_is_compared(sealed: tuple[Workspace, Vault]) -> None:
    workspace, vault = sealed
    wanted = wanted_secrets(workspace.root, vault)
    assert {f"{one.namespace}/{one.name}" for one in wanted} == {secret.id for secret in workspace.catalogue().secrets}
    for one in wanted:
        problem, found = opened_here(one, vault)
        assert problem == ""
        assert found.keys() == {*one.sealed, *one.plain}
        assert None not in one.sealed.values()
        assert one.differences(found) == []
        for key in found:
            assert one.differences({**found, key: found[key] + b"x"}) != []
            assert one.differences({name: content for name, content in found.items() if name != key}) == [
                f"{key} is missing"
            ]


def test_what_nobody_sealed_is_a_difference(sealed: tuple[Workspace, Vault]) -> None:
    workspace, vault = sealed
    one = wanted_secrets(workspace.root, vault)[0]
    _, found = opened_here(one, vault)
    assert one.differences({**found, "more": b""}) == ["more is there, and nobody sealed it"]


def test_another_value_under_the_right_key_is_found(sealed: tuple[Workspace, Vault]) -> None:
    """Whoever can write to the repository can seal a value of their own; it says which key, and shows no value."""
    workspace, vault = sealed
    wanted = wanted_secrets(workspace.root, vault)[0]
    key = sorted(wanted.sealed)[0]
    path = workspace.root / "secrets" / wanted.namespace / f"{wanted.name}.sealed.yaml"
    label = Scope.STRICT.label(wanted.namespace, wanted.name)
    other = Sealer(workspace.key.certificate.encode()).seal(Plaintext(b"their-own-value"), label)
    manifest = parse(path.read_text())
    assert manifest is not None
    path.write_text(path.read_text().replace(manifest.sealed.ciphertexts[key], other))
    (changed,) = (one for one in wanted_secrets(workspace.root, vault) if one.name == wanted.name)
    problem, found = opened_here(changed, vault)
    assert (problem, changed.differences(found)) == ("", [f"{key} is not what the vault has"])


def test_a_sealing_key_that_is_gone_is_named_by_what_it_closes(
    sealed: tuple[Workspace, Vault], other_key: SealingKey
) -> None:
    workspace, vault = sealed
    record = KeyRecord(
        name="other", certificate=other_key.certificate, private_key=other_key.private_key, created=other_key.created
    )
    lost = replace(vault, sealing_keys=(record,))
    for one in wanted_secrets(workspace.root, lost):
        problem, found = opened_here(one, lost)
        assert problem == f"no sealing key of the vault opens {', '.join(one.sealed)}"
        assert found == {}


def test_what_others_sealed_is_opened_and_not_compared(sealed: tuple[Workspace, Vault]) -> None:
    workspace, vault = sealed
    path = workspace.root / "secrets" / "mine" / "own.sealed.yaml"
    path.parent.mkdir()
    ciphertext = Sealer(workspace.key.certificate.encode()).seal(Plaintext(b"own"), b"mine/own")
    path.write_text(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: own, namespace: mine}\n"
        f"spec: {{encryptedData: {{word: {ciphertext}}}}}\n"
    )
    one = next(one for one in wanted_secrets(workspace.root, vault) if one.name == "own")
    assert (dict(one.sealed), one.type) == ({"word": None}, "")
    assert opened_here(one, vault) == ("", {"word": b"own"})
    path.write_text("kind: ConfigMap\n")
    one = next(one for one in wanted_secrets(workspace.root, vault) if one.name == "own")
    assert opened_here(one, vault)[0] == "it is no SealedSecret of this namespace and name"


def test_the_keys_come_with_their_place(sealed: tuple[Workspace, Vault]) -> None:
    workspace, vault = sealed
    namespace, keys = sealing_keys(workspace.root, vault)
    assert namespace == "kube-system"
    assert os.fsencode("sealed-secrets-key-1") in keys.reveal()
