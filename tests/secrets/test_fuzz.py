"""Damaged manifests, vaults and certificates of any kind end in an answer of ours; reconcile has no hidden order."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pyrage
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from generator.errors import VaultError
from generator.secrets.catalogue.read import parse_catalogue
from generator.secrets.sealing.committed import read_committed
from generator.secrets.sealing.documents import documents_of, sealed_documents
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.vault.file import open_vault, save_vault
from generator.secrets.vault.keys import certificate_fingerprint
from generator.secrets.vault.model import Vault
from generator.secrets.vault.record import InvalidContentError, from_document
from tests.secrets.conftest import NOW, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.sealing.reconcile import Reconciled
    from generator.secrets.vault.keys import SealingKey

PATH, PLACE = "secrets/registry/push-token.sealed.yaml", ("registry", "push-token")
FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# What a fuzzer does to a file: so many bytes at a place become others. The place is a part of the length.
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 40),
        st.one_of(st.binary(max_size=12), st.sampled_from([b"\n", b": ", b"{", b'"', b"- "])),
    ),
    min_size=1,
    max_size=4,
)
Edits = list[tuple[float, int, bytes]]


def edited(content: bytes, edits: Edits) -> bytes:
    for part, length, new in edits:
        start = int(part * len(content))
        content = content[:start] + new + content[start + length :]
    return content


@pytest.fixture
def sealed(vault: Vault, catalogue: Callable[..., Catalogue]) -> Reconciled:
    return reconcile(catalogue(), vault, None, NOW, TOKEN)


def test_a_damaged_manifest_is_read_or_refused(sealed: Reconciled) -> None:
    """Where it is read, it is of the place that was asked for; nothing but ValueError says that it can't be."""
    content = sealed.manifests[PATH]

    @FUZZ
    @given(EDITS)
    def fuzz(edits: Edits) -> None:
        damaged = edited(content, edits)
        found = read_committed(damaged, *PLACE)
        assert found is None or found.ciphertexts.keys() <= found.lines.keys()
        manifest = parse(damaged.decode(errors="replace"))
        assert not (found and found.by_fmc) or (manifest and (manifest.namespace, manifest.name) == PLACE)
        for read in (documents_of, sealed_documents):
            try:
                read(damaged)
            except ValueError as error:
                assert str(error) == "it is neither YAML nor JSON"

    fuzz()


def test_a_damaged_manifest_never_becomes_what_the_vault_holds(
    sealed: Reconciled, catalogue: Callable[..., Catalogue]
) -> None:
    """What is taken from one or is asked about, a value of the vault stays what it was."""
    content, values = sealed.manifests[PATH], sealed.vault.values

    @settings(FUZZ, max_examples=40)
    @given(EDITS)
    def fuzz(edits: Edits) -> None:
        damaged = {**sealed.manifests, PATH: edited(content, edits)}
        again = reconcile(catalogue(), sealed.vault, None, NOW, TOKEN, [damaged])
        assert again.vault.values == values
        assert again.disputes or again.manifests == sealed.manifests

    fuzz()


def test_a_damaged_vault_file_is_refused(vault: Vault, tmp_path: Path) -> None:
    identity, recovery = (pyrage.x25519.Identity.generate() for _ in range(2))
    own = tmp_path / "identity.txt"
    own.write_text(f"{identity}\n")
    file = tmp_path / "vault.age"
    whole = replace(vault, recipients=(str(identity.to_public()), str(recovery.to_public())))
    save_vault(file, whole)
    content = file.read_bytes()

    @FUZZ
    @given(EDITS)
    def fuzz(edits: Edits) -> None:
        file.write_bytes(edited(content, edits))
        try:
            assert open_vault(file, own, cluster=whole.cluster) == whole
        except VaultError as error:
            assert error.fix

    fuzz()


def test_any_content_of_a_vault_is_read_or_refused(sealed: Reconciled) -> None:
    text = sealed.vault.to_json().reveal()

    @FUZZ
    @given(EDITS)
    def fuzz(edits: Edits) -> None:
        try:
            document: Any = json.loads(edited(text, edits))
        except ValueError:
            return
        try:
            assert isinstance(from_document(document, Vault), Vault)
        except InvalidContentError as error:
            assert len(str(error)) < 500

    fuzz()


def test_a_damaged_certificate_is_its_key_s_or_refused(sealing_key: SealingKey) -> None:
    """Edited in its bytes, not in its letters: most such are certificates still, of another key or of none."""
    lines = sealing_key.certificate.strip().splitlines()
    content = base64.b64decode("".join(lines[1:-1]))

    @settings(FUZZ, max_examples=200)
    @given(EDITS)
    def fuzz(edits: Edits) -> None:
        body = base64.encodebytes(edited(content, edits)).decode()
        try:
            found = certificate_fingerprint(f"{lines[0]}\n{body}{lines[-1]}\n".encode())
        except ValueError:
            return
        assert found.startswith("SHA256:")

    fuzz()


# -- reconcile ---------------------------------------------------------------------------------------------------------

_ENTRY = """  - namespace: {0}
    name: s-{1}
    values: {{a: {{generator: token}}, b: {{generator: password, length: 40}}}}
    data: {{a: {{from: a}}, b: {{from: b}}, hash: {{from: b, as: bcrypt, cost: 4}}, text: {{text: plain}}}}
"""
_HEAD = "version: 1\ncluster: home\nsealing_key: {namespace: kube-system, name: sealed-secrets-key-1}\nsecrets:\n"
_PLACES = [("one", 1), ("one", 2), ("two", 1), ("two", 2)]


def of_order(places: list[tuple[str, int]]) -> Catalogue:
    return parse_catalogue(_HEAD + "".join(_ENTRY.format(*place) for place in places), where="/nowhere")


@pytest.fixture(scope="module")
def small(sealing_key: SealingKey) -> Reconciled:
    return reconcile(of_order(_PLACES), Vault.new("home", "sealed-secrets-key-1", sealing_key, ()), None, NOW, {})


def test_the_order_of_the_catalogue_is_no_matter(small: Reconciled) -> None:
    @settings(FUZZ, max_examples=24)
    @given(st.permutations(_PLACES))
    def permuted(places: list[tuple[str, int]]) -> None:
        again = reconcile(of_order(places), small.vault, None, NOW, {}, [small.manifests])
        assert again.manifests == small.manifests
        assert again.vault == small.vault
        assert not again.made
        assert not again.changed

    permuted()


def test_what_is_replaced_changes_and_nothing_else_whatever_it_is(small: Reconciled) -> None:
    """Minimal diff, and idempotent: of a secret only the keys that come from a replaced value have another text."""
    values = [(f"{namespace}/s-{number}", name) for namespace, number in _PLACES for name in "ab"]

    @settings(FUZZ, max_examples=24)
    @given(st.sets(st.sampled_from(values)))
    def replaced(chosen: set[tuple[str, str]]) -> None:
        catalogue = of_order(_PLACES)
        after = reconcile(catalogue, small.vault, None, NOW, {}, [small.manifests], renewed=dict.fromkeys(chosen))
        for secret in catalogue.secrets:
            path = secret.manifest_path
            before, now = (parse(one.manifests[path].decode()) for one in (small, after))
            assert before
            assert now
            keys = {
                key for key in now.sealed.ciphertexts if now.sealed.ciphertexts[key] != before.sealed.ciphertexts[key]
            }
            sources = {"a": {"a"}, "b": {"b", "hash"}}
            assert keys == {key for name in "ab" if (secret.id, name) in chosen for key in sources[name]}
        again = reconcile(catalogue, after.vault, None, NOW, {}, [after.manifests])
        assert (again.manifests, again.vault) == (after.manifests, after.vault)

    replaced()
