"""Another sealing key: where it is named, what needs which, what a lost one gives away, and what goes with it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from generator.errors import BadInputError
from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.catalogue.scope import Scope
from generator.secrets.exposure import exposed_values
from generator.secrets.keyring import KeyState, list_keys, needing
from generator.secrets.merge import Choice, merged_vault
from generator.secrets.rekey import (
    begin_replacement,
    finish_replacement,
    let_catalogue_name,
    let_controller_load,
    pending_replacement,
    retire,
)
from generator.secrets.reseal import reseal
from generator.secrets.sealing.crypto import Sealer, load_private_keys, unseal
from generator.secrets.sealing.disputes import NO_PREFERENCE
from generator.secrets.sealing.documents import sealed_documents
from generator.secrets.sealing.key_names import CONTROLLER, differ_in_key_alone, named_key, naming
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.keys import generate_sealing_key
from generator.secrets.vault.plaintext import Plaintext
from generator.secrets.verify import verify_secrets
from tests.secrets.conftest import FULL, NOW, ROOT, put

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace

FIRST, SECOND = "sealed-secrets-key-1", "sealed-secrets-key-2"
(VALUES,) = (path.read_bytes() for path in (ROOT / "templates" / "argocd").glob(f"*/{CONTROLLER}"))
# A person's file: comments, several documents, and each text written in another way.
OWN = """# Ours.
apiVersion: v1
kind: ConfigMap
metadata: {{name: besides, namespace: apps}}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: one
  namespace: apps
  annotations: {{sealedsecrets.bitnami.com/{scope}: "true"}}
spec:
  encryptedData:
    token: {first}   # of the forge
    other: "{second}"
"""


@pytest.fixture
def rekeyed(workspace: Workspace, other_key: SealingKey) -> Workspace:
    """A repository whose catalogue names the next key, and that is not sealed to it yet."""
    workspace.seal()
    begin_replacement(workspace.store, NOW, is_compromised=True, prepared_key=other_key)
    let_catalogue_name(workspace.root, SECOND)
    return workspace


def own(workspace: Workspace, key: SealingKey, scope: Scope) -> Path:
    sealer = Sealer(key.certificate.encode())
    texts = [
        sealer.seal(Plaintext(content), scope.label("apps", "one")) for content in (b"a token", b"\0 no text \xff")
    ]
    file = workspace.folder / "own.yaml"
    file.write_text(OWN.format(scope=scope, first=texts[0], second=texts[1]))
    return file


def manifests(workspace: Workspace) -> list[tuple[str, bytes]]:
    return [(name, content) for name, content in workspace.files().items() if name.endswith(".sealed.yaml")]


@pytest.mark.parametrize(("path", "content"), [(CATALOGUE, FULL.encode()), (CONTROLLER, VALUES)])
def test_the_one_line_that_names_the_key_changes(path: str, content: bytes) -> None:
    assert named_key(path, content) == FIRST
    changed = naming(path, content, SECOND)
    assert changed == content.replace(FIRST.encode(), SECOND.encode())
    assert differ_in_key_alone(f"argocd/{path}", content, changed)
    assert not differ_in_key_alone(path, content, changed + b"\n# And more.\n")
    assert not differ_in_key_alone(path, content, b"")
    assert not differ_in_key_alone(f"elsewhere/{path}.txt", content, changed)


@pytest.mark.parametrize("content", [b"", b"additionalVolumes: []\n", b"\xff", b"sealing_key: 7\n", b"a: [\n"])
def test_what_names_no_key_stays_as_it_is(content: bytes) -> None:
    for path in (CATALOGUE, CONTROLLER):
        assert (named_key(path, content), naming(path, content, SECOND)) == ("", content)


def test_the_next_key_is_made_once_and_nothing_is_sealed_to_it(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    before = workspace.files()
    made = begin_replacement(workspace.store, NOW, is_compromised=False, prepared_key=other_key)
    assert (made.key.name, made.old.name, made.is_named) == (SECOND, FIRST, False)
    again = begin_replacement(workspace.store, NOW, is_compromised=False)
    assert (again, pending_replacement(workspace.store)) == (made, made)
    assert workspace.seal().written == ()
    assert workspace.files() == before
    assert workspace.open().compromised == {}


def test_numbers_are_not_used_again(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    made = begin_replacement(workspace.store, NOW, is_compromised=False, prepared_key=other_key)
    vault = workspace.open()
    ninth = replace(made.key, name="sealed-secrets-key-9")
    save_vault(workspace.vault, replace(vault, sealing_keys=(vault.sealing_keys[0], ninth), next_key=""))
    tenth = begin_replacement(workspace.store, NOW, is_compromised=False, prepared_key=other_key)
    assert tenth.key.name == "sealed-secrets-key-10"


def test_all_is_sealed_to_the_key_that_the_catalogue_names_and_stays_so(rekeyed: Workspace) -> None:
    old = dict(manifests(rekeyed))
    values = rekeyed.open().values
    assert set(rekeyed.seal().changed) == {secret.id for secret in rekeyed.catalogue().secrets}
    new = rekeyed.files()
    # The commit that is delivered still has the old texts: that is no reason for new ones.
    assert rekeyed.seal(NO_PREFERENCE, old).written == ()
    assert rekeyed.files() == new
    vault = rekeyed.open()
    assert vault.values == values
    assert verify_secrets(rekeyed.root, vault, NOW, [old]) == []
    keys = load_private_keys([vault.sealing_keys[1].private_key])
    for _, content in manifests(rekeyed):
        for document in sealed_documents(content):
            for ciphertext in document.ciphertexts.values():
                unseal(keys, ciphertext, document.label)


def test_the_list_says_what_each_key_is_for(rekeyed: Workspace) -> None:
    old = manifests(rekeyed)
    rekeyed.seal()
    mixed = [*manifests(rekeyed)[1:], *old[:1]]
    first, second = list_keys(rekeyed.store, mixed)
    assert (first.name, first.state, first.needed_by) == (FIRST, KeyState.OLD, (old[0][0],))
    assert (second.name, second.state, second.compromised) == (SECOND, KeyState.IN_USE, None)
    assert first.compromised == NOW
    assert len(second.needed_by) == len(mixed) - 1
    assert first.ends > NOW


def test_what_needs_which_key_does_not_depend_on_the_order(rekeyed: Workspace) -> None:
    old = [(f"old {name}", content) for name, content in manifests(rekeyed)[:2]]
    rekeyed.seal()
    new = [(f"new {name}", content) for name, content in manifests(rekeyed)[:2]]
    vault, wanted = rekeyed.open(), [{name for name, _ in old}, {name for name, _ in new}]
    turned = replace(vault, sealing_keys=vault.sealing_keys[::-1])
    for order in itertools.permutations((*old, *new)):
        assert [set(places) for places in needing(vault, order).values()] == wanted
    assert [set(places) for places in needing(turned, (*new, *old)).values()] == wanted[::-1]


def test_a_key_goes_when_nothing_needs_it_and_no_copy_brings_it_back(rekeyed: Workspace) -> None:
    before = rekeyed.open()
    with pytest.raises(BadInputError, match="is the sealing key that everything is sealed to"):
        retire(rekeyed.store, SECOND, (), NOW)
    with pytest.raises(BadInputError, match="the vault has no sealing key other"):
        retire(rekeyed.store, "other", (), NOW)
    with pytest.raises(BadInputError, match="2 manifests can be opened with sealed-secrets-key-1 alone: a, b"):
        retire(rekeyed.store, FIRST, ("b", "a"), NOW)
    assert rekeyed.open() == before
    rekeyed.seal()
    finish_replacement(rekeyed.store)
    retire(rekeyed.store, FIRST, needing(rekeyed.open(), manifests(rekeyed))[FIRST], NOW)
    after = rekeyed.open()
    assert [key.name for key in after.sealing_keys] == [SECOND]
    assert (after.next_key, set(after.retired)) == ("", {before.sealing_keys[0].fingerprint})
    merged, _ = merged_vault(after, before, Choice(), NOW)
    assert [key.name for key in merged.sealing_keys] == [SECOND]
    assert rekeyed.seal().written == ()


def test_a_compromised_key_gives_away_what_was_sealed_to_it_and_still_counts(rekeyed: Workspace) -> None:
    history = manifests(rekeyed)
    rekeyed.seal()
    history += manifests(rekeyed)
    all_of_them = {(one.secret, one.value) for one in exposed_values(rekeyed.store, history)}
    vault = rekeyed.open()
    assert all_of_them == {(secret, name) for secret in vault.sealed for name in vault.values.get(secret, {})}
    put(rekeyed, "registry/push-token", "token", b"another-token")
    left = exposed_values(rekeyed.store, reversed(history))
    assert {(one.secret, one.value) for one in left} == all_of_them - {("registry/push-token", "token")}
    how = {f"{one.secret}:{one.value}": one.how for one in left}
    assert how["traefik/dashboard-users:dashboard"] == "`fmc rotate traefik/dashboard-users:dashboard`"
    assert "--registered" in how["argocd/repo-infra:deploy-key"]


@pytest.mark.parametrize("scope", Scope)
def test_ones_own_sealed_secrets_change_in_their_sealed_texts_alone(rekeyed: Workspace, scope: Scope) -> None:
    rekeyed.seal()
    file = own(rekeyed, rekeyed.key, scope)
    assert [one.secret for one in exposed_values(rekeyed.store, [("own.yaml", file.read_bytes())])] == ["apps/one"] * 2
    before = file.read_text()
    (done,) = reseal(rekeyed.store, [file])
    assert (done.changed, done.closed) == (("apps/one: token", "apps/one: other"), ())
    (document,) = sealed_documents(file.read_bytes())
    keys = load_private_keys([rekeyed.open().sealing_keys[1].private_key])
    assert [unseal(keys, text, document.label).reveal() for text in document.ciphertexts.values()] == [
        b"a token",
        b"\0 no text \xff",
    ]
    texts = sealed_documents(before.encode())[0].ciphertexts
    for key, text in document.ciphertexts.items():
        before = before.replace(texts[key], text)
    assert file.read_text() == before
    # Once more, and files of fmc's own: nothing.
    assert reseal(rekeyed.store, [file, *rekeyed.root.rglob("*.sealed.yaml")]) == ()


def test_what_no_key_opens_is_told_and_stays(rekeyed: Workspace) -> None:
    file = own(rekeyed, generate_sealing_key(2048), Scope.STRICT)
    before = file.read_bytes()
    (done,) = reseal(rekeyed.store, [file])
    assert (done.changed, len(done.closed), file.read_bytes()) == ((), 2, before)


def test_values_that_a_person_wrote_otherwise_are_left_alone(workspace: Workspace) -> None:
    assert not let_controller_load(workspace.root, SECOND)
    file = workspace.root / CONTROLLER
    file.parent.mkdir(parents=True)
    file.write_bytes(VALUES)
    assert let_controller_load(workspace.root, SECOND)
    assert named_key(CONTROLLER, file.read_bytes()) == SECOND
