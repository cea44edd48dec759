"""Reconcile: fill what is missing, keep what is right, seal what changed, refuse what is not ours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from generator.errors import BadInputError
from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.crypto import load_private_keys, unseal
from generator.secrets.sealing.manifest import parse
from generator.secrets.sealing.reconcile import Reconciled, reconcile
from generator.secrets.vault.keys import certificate_fingerprint
from generator.secrets.vault.model import KeyRecord, Vault
from generator.secrets.vault.plaintext import Plaintext
from tests.secrets.conftest import FULL, NOW, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.keys import SealingKey

ADMIN = "secrets/argocd/argocd-secret.sealed.yaml"
LATER = NOW + timedelta(days=1)


def changed_lines(before: bytes, after: bytes) -> list[str]:
    pairs = zip(before.decode().splitlines(), after.decode().splitlines(), strict=True)
    return [new.split(":")[0].strip() for old, new in pairs if old != new]


def unsealed(result: Reconciled, path: str) -> dict[str, bytes]:
    manifest = parse(result.manifests[path].decode())
    assert manifest is not None
    keys = load_private_keys(key.private_key for key in result.vault.sealing_keys)
    label = Scope.STRICT.label(manifest.namespace, manifest.name)
    return {key: unseal(keys, text, label).reveal() for key, text in manifest.sealed.ciphertexts.items()}


def test_a_second_run_changes_nothing(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    second = reconcile(catalogue(), first.vault, first.key.certificate.encode(), LATER, TOKEN)
    assert second.manifests == first.manifests
    assert second.vault == first.vault
    assert (len(first.made), len(second.kept), second.made, second.changed) == (5, 5, (), ())


def test_what_is_sealed_is_what_the_vault_holds(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    result = reconcile(catalogue(), vault, None, NOW, TOKEN)
    values, derived = result.vault.values, result.vault.derived
    key = values["argocd/repo-infra"]["deploy-key"]
    assert unsealed(result, ADMIN) == {
        "admin.password": derived["argocd/argocd-secret"]["admin.password"].content.reveal(),
        "admin.passwordMtime": b"2026-11-24T09:30:01Z",
    }
    assert unsealed(result, "secrets/argocd/repo-infra.sealed.yaml") == {
        "type": b"git",
        "url": b"ssh://git@git.example.com/home/infra.git",
        "sshPrivateKey": key.secret.reveal(),
        "sshPublicKey": key.public["public"].encode(),
    }
    assert unsealed(result, "secrets/registry/push-token.sealed.yaml") == {
        "token": b"glpat-4711-external-value",
        "admin": values["registry/push-token"]["admin"].secret.reveal(),
    }


def test_one_changed_value_is_its_line_and_the_fingerprints(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    second = reconcile(catalogue(), first.vault, None, LATER, {"FMC_TEST_TOKEN": "another-token"})
    path = "secrets/registry/push-token.sealed.yaml"
    assert second.changed == ("registry/push-token",)
    assert changed_lines(first.manifests[path], second.manifests[path]) == [
        '"flatcar-microcloud.local/revisions"',
        '"flatcar-microcloud.local/values"',
        '"token"',
    ]
    assert {other for other in first.manifests if first.manifests[other] != second.manifests[other]} == {path}


def test_salted_forms_are_made_once_and_again_when_their_recipe_changes(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    second = reconcile(
        catalogue(FULL.replace("as: bcrypt, cost: 4", "as: bcrypt, cost: 5")), first.vault, None, LATER, {}
    )
    before, after = unsealed(first, ADMIN), unsealed(second, ADMIN)
    assert before["admin.password"].startswith(b"$2a$04$")
    assert after["admin.password"].startswith(b"$2a$05$")
    assert before["admin.passwordMtime"] == after["admin.passwordMtime"]
    assert second.changed == ("argocd/argocd-secret",)


def test_an_absent_or_empty_variable_keeps_the_value_that_the_vault_has(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    for given in ({}, {"FMC_TEST_TOKEN": ""}):
        assert reconcile(catalogue(), first.vault, None, LATER, given).vault == first.vault


def test_a_secret_waits_for_its_external_value(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    result = reconcile(catalogue(), vault, None, NOW, {})
    (pending,) = result.pending
    assert (pending.secret, pending.value, pending.env, pending.prompt) == (
        "registry/push-token",
        "token",
        "FMC_TEST_TOKEN",
        "Token of the registry",
    )
    assert "secrets/registry/push-token.sealed.yaml" not in result.manifests
    assert len(result.manifests) == 4


def test_a_delivered_secret_is_not_taken_back_for_a_new_value_that_is_pending(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    grown = FULL.replace(
        "      admin: {generator: password, length: 48}",
        "      admin: {generator: password, length: 48}\n      webhook: {generator: external, env: FMC_TEST_WEBHOOK}",
    ).replace("      admin: {from: admin, as: raw}", "      admin: {from: admin, as: raw}\n      hook: {from: webhook}")
    second = reconcile(catalogue(grown), first.vault, None, LATER, TOKEN)
    path = "secrets/registry/push-token.sealed.yaml"
    assert [pending.value for pending in second.pending] == ["webhook"]
    assert second.manifests[path] == first.manifests[path]


def test_a_renamed_secret_is_sealed_anew_and_the_old_text_is_worthless(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    renamed = FULL.replace("name: push-token", "name: pull-token")
    second = reconcile(catalogue(renamed), first.vault, None, LATER, TOKEN)
    assert second.made == ("registry/pull-token",)
    old = first.vault.sealed["registry/push-token"]["token"]
    new = second.vault.sealed["registry/pull-token"]["token"]
    assert old.value != new.value
    with pytest.raises(Exception, match="for another name"):
        unseal(load_private_keys([first.key.private_key]), old.ciphertext, Scope.STRICT.label("registry", "pull-token"))


def test_a_secret_that_left_the_catalogue_loses_its_sealed_values_and_keeps_its_plaintexts(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    shorter = FULL[: FULL.index("  - namespace: registry")]
    second = reconcile(catalogue(shorter), first.vault, None, LATER, {})
    assert "registry/push-token" not in second.vault.sealed
    third = reconcile(catalogue(), second.vault, None, LATER, {})
    assert third.vault.values == first.vault.values
    assert third.made == ("registry/push-token",)


def test_a_changed_length_does_not_rotate_a_password(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    second = reconcile(catalogue(FULL.replace("length: 48", "length: 40")), first.vault, None, LATER, {})
    assert second.vault == first.vault


def test_a_changed_label_is_rendered_without_sealing_anew(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    relabelled = FULL.replace("secret-type: repository", "secret-type: repo-creds")
    second = reconcile(catalogue(relabelled), first.vault, None, LATER, {})
    path = "secrets/argocd/repo-infra.sealed.yaml"
    assert second.vault == first.vault
    assert changed_lines(first.manifests[path], second.manifests[path]) == ['"argocd.argoproj.io/secret-type"'] * 2


def test_a_delivered_text_stays_when_another_generator_is_to_make_it(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    """Faults E1b: a changed word in the catalogue took a delivered token back, or deleted its manifest."""
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    internal = FULL.replace(
        "{generator: external, env: FMC_TEST_TOKEN, prompt: Token of the registry}", "{generator: password}"
    )
    second = reconcile(catalogue(internal), first.vault, None, LATER, {})
    assert (second.pending, second.changed) == ((), ())
    assert second.manifests == first.manifests


def test_another_kind_of_value_replaces_the_old_one_and_says_so(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    paired = FULL.replace(
        "{generator: external, env: FMC_TEST_TOKEN, prompt: Token of the registry}", "{generator: ssh-key}"
    ).replace("token: {from: token}", "token: {from: token, as: private}")
    second = reconcile(catalogue(paired), first.vault, None, LATER, {})
    old = first.vault.lineage("registry/push-token", "token")
    new = second.vault.lineage("registry/push-token", "token")
    assert old is not None
    assert new is not None
    assert new.descends_from(old)


def test_a_delivered_value_that_is_pending_now_stays_in_its_manifest(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    """Faults E1b: a key pair whose generator becomes `external` waits for a person; what was delivered waits, too."""
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    waiting = FULL.replace("{generator: ssh-key, comment: argocd@home}", "{generator: external}").replace(
        "      sshPrivateKey: {from: deploy-key, as: private}\n      sshPublicKey: {from: deploy-key, as: public}\n",
        "      sshPrivateKey: {from: deploy-key}\n",
    )
    second = reconcile(catalogue(waiting), first.vault, None, LATER, {})
    path = "secrets/argocd/repo-infra.sealed.yaml"
    assert [pending.value for pending in second.pending] == ["deploy-key"]
    assert unsealed(second, path)["sshPrivateKey"] == unsealed(first, path)["sshPrivateKey"]


def test_a_certificate_is_renewed_by_the_same_authority(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    kept = reconcile(catalogue(), first.vault, None, NOW + timedelta(days=60), {})
    renewed = reconcile(catalogue(), first.vault, None, NOW + timedelta(days=61), {})
    assert kept.vault == first.vault
    assert renewed.changed == ("traefik/default-certificate",)
    assert renewed.vault.ca == first.vault.ca
    path = "secrets/traefik/default-certificate.sealed.yaml"
    assert unsealed(renewed, path)["ca.crt"] == unsealed(first, path)["ca.crt"]


def test_another_sealing_key_seals_everything_anew(
    vault: Vault, catalogue: Callable[..., Catalogue], other_key: SealingKey
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    second_key = KeyRecord(
        name="sealed-secrets-key-2",
        certificate=other_key.certificate,
        private_key=other_key.private_key,
        created=other_key.created,
    )
    grown = replace(first.vault, sealing_keys=(*first.vault.sealing_keys, second_key))
    rekeyed = FULL.replace("sealed-secrets-key-1", "sealed-secrets-key-2")
    second = reconcile(catalogue(rekeyed), grown, first.key.certificate.encode(), LATER, {})
    assert len(second.changed) == 5
    assert second.vault.values == first.vault.values
    assert unsealed(second, ADMIN) == unsealed(first, ADMIN)
    assert second.key.certificate == other_key.certificate
    fingerprint = certificate_fingerprint(other_key.certificate.encode())
    assert all(fingerprint in text.decode() for text in second.manifests.values())


def test_a_swapped_certificate_is_refused(
    vault: Vault, catalogue: Callable[..., Catalogue], other_key: SealingKey
) -> None:
    with pytest.raises(BadInputError, match="none of the vault's") as caught:
        reconcile(catalogue(), vault, other_key.certificate.encode(), NOW, TOKEN)
    assert certificate_fingerprint(other_key.certificate.encode()) in caught.value.message
    assert caught.value.fix is not None
    assert "git log secrets/sealing-cert.pem" in caught.value.fix


def test_a_damaged_certificate_is_refused(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    with pytest.raises(BadInputError, match="can't be read"):
        reconcile(catalogue(), vault, b"-----BEGIN CERTIFICATE-----\nAAAA\n", NOW, TOKEN)


def test_a_sealing_key_that_the_vault_lacks_is_named(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    with pytest.raises(BadInputError, match="names the sealing key other-key, the vault holds sealed-secrets-key-1"):
        reconcile(catalogue(FULL.replace("sealed-secrets-key-1", "other-key")), vault, None, NOW, TOKEN)


def test_an_external_value_of_any_bytes_is_sealed(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    """The environment gives bytes that are no UTF-8 as surrogates."""
    given = {"FMC_TEST_TOKEN": b"caf\xe9\xff".decode(errors="surrogateescape")}
    result = reconcile(catalogue(), vault, None, NOW, given)
    assert unsealed(result, "secrets/registry/push-token.sealed.yaml")["token"] == b"caf\xe9\xff"


def test_equal_values_in_different_places_have_different_fingerprints(
    vault: Vault, catalogue: Callable[..., Catalogue]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    records = [record.value for secret in first.vault.sealed.values() for record in secret.values()]
    assert len(set(records)) == len(records)
    same = {"registry/push-token": {**first.vault.values["registry/push-token"]}}
    same["registry/push-token"]["admin"] = replace(
        same["registry/push-token"]["admin"], secret=Plaintext(TOKEN["FMC_TEST_TOKEN"].encode())
    )
    values = {**first.vault.values, **same}
    second = reconcile(catalogue(), replace(first.vault, values=values), None, NOW, TOKEN)
    sealed = second.vault.sealed["registry/push-token"]
    assert sealed["admin"].value != sealed["token"].value
