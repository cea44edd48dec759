"""Scopes and immutable Secrets: what the catalogue says is what kubeseal opens, and a change of it seals anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.errors import CatalogueError
from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.disputes import NO_PREFERENCE
from generator.secrets.verify import verify_secrets
from tests.secrets.conftest import NOW
from tests.secrets.interop import recovered, write_key_secret

if TYPE_CHECKING:
    from pathlib import Path

    from tests.secrets.conftest import Workspace

CATALOGUE = """version: 1
cluster: home
sealing_key: {namespace: kube-system, name: sealed-secrets-key-1}
secrets:
  - namespace: shop
    name: database
    immutable: true
    annotations: {example.com/kept: "1e3"}
    values: {password: {generator: password}}
    data: {password: {from: password}}
"""
PATH = "secrets/shop/database.sealed.yaml"


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    workspace.write_catalogue(CATALOGUE)
    return workspace


def with_scope(shop: Workspace, scope: Scope) -> bytes:
    shop.write_catalogue(CATALOGUE.replace("    immutable", f"    scope: {scope}\n    immutable"))
    shop.seal()
    return shop.files()[PATH]


@pytest.mark.parametrize("scope", Scope)
def test_kubeseal_opens_each_scope(shop: Workspace, kubeseal: Path, scope: Scope) -> None:
    manifest = with_scope(shop, scope)
    key = write_key_secret(shop.folder / "key.json", shop.key.certificate, shop.key.private_key)
    secret = recovered(kubeseal, key, manifest)
    assert secret["data"] == {"password": shop.open().values["shop/database"]["password"].secret.reveal()}
    wide = {scope.annotation: "true"} if scope.annotation else {}
    assert secret["metadata"]["annotations"] == {"example.com/kept": "1e3", **wide}
    assert secret["immutable"] is True


def test_another_scope_is_sealed_anew_and_the_same_one_is_not(shop: Workspace) -> None:
    seen: list[bytes] = []
    for scope in Scope:
        manifest = with_scope(shop, scope)
        assert manifest not in seen
        seen.append(manifest)
        # What an older commit has is bound otherwise, and the same value all the same.
        assert shop.seal(NO_PREFERENCE, *({PATH: one} for one in seen)).written == ()
        assert verify_secrets(shop.root, shop.open(), NOW) == []


def test_the_text_that_git_has_of_a_value_is_the_one_that_counts(shop: Workspace) -> None:
    """Two operators who sealed the same value each, or one who went back to an earlier scope, agree on one text."""
    first = with_scope(shop, Scope.STRICT)
    with_scope(shop, Scope.CLUSTER_WIDE)
    assert with_scope(shop, Scope.STRICT) != first
    shop.seal(NO_PREFERENCE, {PATH: first})
    assert shop.files()[PATH] == first
    assert shop.seal(NO_PREFERENCE, {PATH: first}).written == ()


def test_an_unknown_scope_is_named(shop: Workspace) -> None:
    with pytest.raises(CatalogueError) as caught:
        with_scope(shop, "namespace")  # type: ignore[arg-type]
    (finding,) = caught.value.findings
    assert (finding.rule, finding.path, finding.line) == ("catalogue/value", "secrets[0].scope", 7)
    assert finding.fix == "Did you mean namespace-wide?"
