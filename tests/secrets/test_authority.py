"""The cluster's own authority as a Secret: what signs in the cluster is what the vault signs with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.crypto import load_private_keys, unseal
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.reconcile import Reconciled, reconcile
from tests.secrets.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.model import Vault

HEAD = """version: 1
cluster: home
sealing_key: {namespace: kube-system, name: sealed-secrets-key-1}
secrets:
"""
AUTHORITY = """  - namespace: cert-manager
    name: internal-ca
    type: kubernetes.io/tls
    values:
      ca: {generator: authority}
    data:
      tls.crt: {from: ca, as: ca}
      tls.key: {from: ca, as: key}
"""
LEAF = """  - namespace: web
    name: web-tls
    type: kubernetes.io/tls
    values:
      web: {generator: certificate, names: [web.home.example.com], days: 825}
    data:
      tls.crt: {from: web, as: cert}
      tls.key: {from: web, as: key}
"""
LIFETIME = timedelta(days=3650)


@pytest.fixture
def whole(catalogue: Callable[..., Catalogue]) -> Catalogue:
    return catalogue(HEAD + AUTHORITY + LEAF)


def unsealed(result: Reconciled, path: str) -> dict[str, bytes]:
    manifest = parse(result.manifests[path].decode())
    assert manifest is not None
    keys = load_private_keys(key.private_key for key in result.vault.sealing_keys)
    label = Scope.STRICT.label(manifest.namespace, manifest.name)
    return {key: unseal(keys, text, label).reveal() for key, text in manifest.sealed.ciphertexts.items()}


def authority(result: Reconciled) -> dict[str, bytes]:
    return unsealed(result, "secrets/cert-manager/internal-ca.sealed.yaml")


def signer(result: Reconciled) -> bytes:
    """Return the certificate that stands behind the leaf."""
    chain = unsealed(result, "secrets/web/web-tls.sealed.yaml")["tls.crt"]
    leaf, ca = x509.load_pem_x509_certificates(chain)
    leaf.verify_directly_issued_by(ca)
    return chain[chain.index(b"-----BEGIN", 1) :]


def test_what_signs_in_the_cluster_signs_what_the_vault_makes(vault: Vault, whole: Catalogue) -> None:
    result = reconcile(whole, vault, None, NOW, {})
    held = authority(result)
    assert held["tls.crt"] == signer(result)
    certificate = x509.load_pem_x509_certificate(held["tls.crt"])
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key = load_pem_private_key(held["tls.key"], None)
    assert key.public_key() == certificate.public_key()


def test_a_second_run_changes_nothing(vault: Vault, whole: Catalogue) -> None:
    first = reconcile(whole, vault, None, NOW, {})
    second = reconcile(whole, first.vault, None, NOW + timedelta(days=1), {})
    assert second.manifests == first.manifests
    assert second.vault == first.vault


def test_an_authority_that_people_trust_already_is_taken(
    vault: Vault, whole: Catalogue, catalogue: Callable[..., Catalogue]
) -> None:
    before = reconcile(catalogue(HEAD + LEAF), vault, None, NOW, {})
    after = reconcile(whole, before.vault, None, NOW + timedelta(days=1), {})
    assert authority(after)["tls.crt"] == signer(before) == signer(after)


@pytest.mark.parametrize("order", [AUTHORITY + LEAF, LEAF + AUTHORITY], ids=["first", "last"])
def test_there_is_one_successor_before_a_leaf_would_outlive_it(
    vault: Vault, catalogue: Callable[..., Catalogue], order: str
) -> None:
    whole = catalogue(HEAD + order)
    first = reconcile(whole, vault, None, NOW, {})
    kept = reconcile(whole, first.vault, None, NOW + LIFETIME - timedelta(days=825), {})
    assert authority(kept) == authority(first)
    late = reconcile(whole, first.vault, None, NOW + LIFETIME - timedelta(days=824), {})
    assert authority(late)["tls.crt"] != authority(first)["tls.crt"]
    assert late.changed == ("cert-manager/internal-ca", "web/web-tls")[:: 1 if order.startswith(AUTHORITY) else -1]
    assert authority(late)["tls.crt"] == signer(late)


def test_the_authority_of_the_cluster_counts_where_the_vaults_is_another(vault: Vault, whole: Catalogue) -> None:
    """As after a value was taken over from Git, which another copy of the vault had made."""
    theirs = reconcile(whole, vault, None, NOW, {})
    mine = reconcile(whole, vault, None, NOW, {})
    assert authority(theirs) != authority(mine)
    mixed = replace(
        mine.vault,
        values={**mine.vault.values, "cert-manager/internal-ca": theirs.vault.values["cert-manager/internal-ca"]},
    )
    result = reconcile(whole, mixed, None, NOW, {})
    assert authority(result) == authority(theirs)
    assert result.vault.ca == theirs.vault.ca
