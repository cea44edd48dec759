"""Secrets that are there already are adopted: what fmc seals then is the same Secret."""

from __future__ import annotations

import base64
import itertools
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.errors import BadInputError
from generator.secrets.adopt import adopt
from generator.secrets.catalogue.model import USER_CATALOGUE
from generator.secrets.catalogue.scope import Scope
from generator.secrets.import_keys import import_keys
from generator.secrets.making.kinds import fault_of
from generator.secrets.recover import open_files, recover
from generator.secrets.sealing.crypto import Sealer, load_private_keys, unseal
from generator.secrets.sealing.documents import sealed_documents
from generator.secrets.vault.keys import generate_sealing_key
from generator.secrets.vault.plaintext import Plaintext
from generator.secrets.verify import verify_secrets
from tests.remedies.walk import advice, commands
from tests.secrets.conftest import NOW, put
from tests.secrets.interop import recovered, run, write_key_secret
from tests.secrets.test_import_keys import given as key_files
from tests.secrets.test_import_keys import secret as key_secret

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace

PASSWORD = b"sentinel-of-the-adopted-4711"
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
USER = """# Mine, and it stays.
version: 1
secrets: []
"""


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    workspace.seal()
    (workspace.root / USER_CATALOGUE).write_text(USER)
    return workspace


def secret(name: str = "database", data: dict[str, bytes] | None = None, **fields: Any) -> dict[str, Any]:
    encoded = {key: base64.b64encode(content).decode() for key, content in (data or {"password": PASSWORD}).items()}
    metadata = {"name": name, "namespace": "shop", **fields.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded, **fields}


def text(*objects: dict[str, Any]) -> bytes:
    return "\n---\n".join(json.dumps(one, indent=2) for one in objects).encode()


def sealed(key: SealingKey, scope: Scope = Scope.STRICT, name: str = "database", **template: Any) -> dict[str, Any]:
    wide = {scope.annotation: "true"} if scope.annotation else {}
    label = scope.label("shop", name)
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": name, "namespace": "shop", "annotations": wide},
        "spec": {
            "encryptedData": {"password": Sealer(key.certificate.encode()).seal(Plaintext(PASSWORD), label)},
            "template": template,
        },
    }


def take(shop: Workspace, content: bytes, *, is_piped: bool = True) -> tuple[tuple[str, ...], tuple[str, ...]]:
    done = adopt(shop.store, content, "FILE", NOW, is_piped=is_piped)
    return done.taken, done.known


@pytest.mark.parametrize("scope", Scope)
def test_what_kubeseal_sealed_comes_back_as_the_same_secret(shop: Workspace, kubeseal: Path, scope: Scope) -> None:
    metadata = {
        "labels": {"example.com/tier": "n"},
        "annotations": {"sealedsecrets.bitnami.com/patch": "true", "sealedsecrets.bitnami.com/managed": "true"},
    }
    plain = secret(metadata=metadata, type="kubernetes.io/basic-auth", immutable=True)
    key = write_key_secret(shop.folder / "key.json", shop.key.certificate, shop.key.private_key)
    certificate = shop.folder / "cert.pem"
    certificate.write_text(shop.key.certificate)
    arguments = ("--cert", str(certificate), "--scope", scope.value, "--format", "yaml")
    theirs = run(kubeseal, *arguments, stdin=text(plain))
    assert take(shop, theirs, is_piped=False) == (("shop/database",), ())
    shop.seal()
    ours = shop.files()["secrets/shop/database.sealed.yaml"]
    before, after = recovered(kubeseal, key, theirs), recovered(kubeseal, key, ours)
    for found in (before, after):
        found["metadata"].pop("creationTimestamp", None)
        found["metadata"].pop("ownerReferences", None)
    assert after == before
    assert after["data"] == {"password": PASSWORD}
    assert (sealed_documents(ours)[0].scope, after["immutable"]) == (scope, True)
    assert verify_secrets(shop.root, shop.open(), NOW) == []
    # Once more it is nothing new, nor is a second sealing.
    assert take(shop, theirs, is_piped=False) == ((), ("shop/database",))
    assert shop.seal().written == ()


def test_a_secret_in_the_clear_comes_without_what_kubectl_keeps_of_it(shop: Workspace) -> None:
    copy = json.dumps({"data": {"password": PASSWORD.decode()}})
    plain = secret(metadata={"annotations": {APPLIED: copy, "example.com/kept": "1e3"}}, stringData={"user": "y"})
    take(shop, text(plain))
    shop.seal()
    written = b"".join(shop.files().values())
    assert PASSWORD not in written
    assert APPLIED.encode() not in written
    assert b'"example.com/kept": "1e3"' in written
    assert shop.open().values["shop/database"]["user"].secret == Plaintext(b"y")
    entry = (shop.root / USER_CATALOGUE).read_text()
    assert entry.startswith("# Mine, and it stays.\nversion: 1\nsecrets:\n  - namespace: ")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=64), scope=st.sampled_from(Scope), other=st.sampled_from(Scope))
def test_any_bytes_are_bound_to_their_scope(
    sealing_key: SealingKey, content: bytes, scope: Scope, other: Scope
) -> None:
    label = scope.label("shop", "database")
    ciphertext = Sealer(sealing_key.certificate.encode()).seal(Plaintext(content), label)
    keys = load_private_keys([sealing_key.private_key])
    assert unseal(keys, ciphertext, label).reveal() == content
    if other is not scope:
        document = {**sealed(sealing_key, other), "spec": {"encryptedData": {"password": ciphertext}}}
        (read,) = sealed_documents(text(document))
        assert read.label != label


def test_the_order_of_documents_is_no_matter(shop: Workspace) -> None:
    begun = shop.vault.read_bytes()
    objects = [sealed(shop.key, scope, scope.value) for scope in Scope]
    results = set()
    for order in itertools.permutations([*objects, {"kind": "ConfigMap", "metadata": {"name": "x"}}]):
        shop.vault.write_bytes(begun)
        (shop.root / USER_CATALOGUE).write_text(USER)
        assert set(take(shop, text(*order))[0]) == {f"shop/{scope.value}" for scope in Scope}
        values = shop.open().values
        assert {values[f"shop/{scope.value}"]["password"].secret for scope in Scope} == {Plaintext(PASSWORD)}
        results.add(frozenset((secret.id, secret.scope) for secret in shop.catalogue().secrets))
    assert len(results) == 1


def test_entries_of_ones_own_stay_with_their_comments(shop: Workspace) -> None:
    take(shop, text(secret("first")))
    path = shop.root / USER_CATALOGUE
    before = path.read_text().replace("secrets:\n", "secrets: # all of them\n") + "# The end.\n"
    path.write_text(before)
    take(shop, text(secret("second")))
    after = path.read_text()
    assert after.startswith("# Mine, and it stays.\nversion: 1\nsecrets: # all of them\n")
    assert after.startswith(before.removesuffix("# The end.\n"))
    assert after.endswith("# The end.\n")
    path.unlink()
    take(shop, text(secret("third")))
    assert "shop/third" in {one.id for one in shop.catalogue().secrets}


def test_a_secret_that_lies_in_the_clear_is_refused(shop: Workspace) -> None:
    fix = advice(partial(take, shop, text(secret()), is_piped=False), "Pipe it in, so that it lies nowhere")
    assert commands(fix)[0].endswith("| fmc secret import -")
    assert take(shop, text(secret()))[0] == ("shop/database",)


def test_a_key_that_the_vault_lacks_is_asked_for(shop: Workspace) -> None:
    stranger = generate_sealing_key(2048)
    attempt = partial(take, shop, text(sealed(stranger)))
    assert commands(advice(attempt, "Bring the key of the cluster")) == ["fmc keys import FILE"]
    import_keys(shop.store, key_files(json.dumps(key_secret(stranger))), NOW)
    assert attempt()[0] == ("shop/database",)


def test_a_secret_that_the_catalogue_has_otherwise(shop: Workspace) -> None:
    take(shop, text(secret()))
    put(shop, "shop/database", "password", b"another one by now")
    file = sealed(shop.key)
    fix = advice(partial(take, shop, text(file)), "`fmc recover FILE` takes over")
    assert commands(fix)[0] == "fmc recover FILE"
    found = open_files(shop.store, [("FILE", text(file))])
    assert recover(shop.store, found, NOW).taken == ("shop/database: password",)
    assert take(shop, text(file)) == ((), ("shop/database",))


def test_a_list_that_is_written_in_a_flow(shop: Workspace) -> None:
    path = shop.root / USER_CATALOGUE
    path.write_text("version: 1\nsecrets: [{namespace: a, name: b, data: {c: {text: d}}}]\n")
    before = shop.vault.read_bytes()
    attempt = partial(take, shop, text(secret()))
    advice(attempt, "Write its list `secrets` as a block")
    assert shop.vault.read_bytes() == before
    path.write_text("version: 1\nsecrets:\n  - namespace: a\n    name: b\n    data: {c: {text: d}}\n")
    assert attempt()[0] == ("shop/database",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"kind: ConfigMap\n", "it holds no Secret and no SealedSecret"),
        (b"a: [\n", "it is neither YAML nor JSON"),
        (text({"kind": "Secret", "metadata": {"name": "x"}, "data": {}}), "lacks its name or namespace"),
        (text(secret(type="kubernetes.io/service-account-token")), "which the cluster makes by itself"),
        (text(secret(data={"password": PASSWORD, "empty": b""})), "has the key empty with nothing in it"),
    ],
)
def test_what_can_not_be_adopted_is_said_and_nothing_is_written(shop: Workspace, content: bytes, message: str) -> None:
    before = {**shop.files(), "vault": shop.vault.read_bytes()}
    with pytest.raises(BadInputError, match=message) as caught:
        take(shop, content)
    assert "run the same command again" in (caught.value.fix or "")
    assert PASSWORD.decode() not in str(caught.value)
    assert {**shop.files(), "vault": shop.vault.read_bytes()} == before
    assert take(shop, text(secret()))[0] == ("shop/database",)


def test_a_template_of_the_data_is_refused(shop: Workspace) -> None:
    with pytest.raises(BadInputError, match="has a template of its data"):
        take(shop, text(sealed(shop.key, data={"url": "{{ .password }}"})))


def test_types_are_held_to_what_their_readers_need(sealing_key: SealingKey, other_key: SealingKey) -> None:
    key, docker = sealing_key.private_key.reveal(), b'{"auths": {"ghcr.io": {"auth": "YTpi"}}}'
    fine: list[tuple[str, dict[str, bytes]]] = [
        ("Opaque", {"any": b"thing"}),
        ("kubernetes.io/tls", {"tls.crt": sealing_key.certificate.encode(), "tls.key": key}),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": docker}),
        ("kubernetes.io/basic-auth", {"password": b"x"}),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": key}),
    ]
    assert [fault_of(*one) for one in fine] == [""] * len(fine)
    wrong: list[tuple[str, dict[str, bytes], str]] = [
        ("kubernetes.io/tls", {"tls.crt": other_key.certificate.encode(), "tls.key": key}, "that is not that of its"),
        ("kubernetes.io/tls", {"tls.crt": b"x", "tls.key": key}, "no certificate and unencrypted key"),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": b"[]"}, "no JSON with auths"),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": b'{"auths": {"a": "b"}}'}, "no JSON with auths"),
        ("kubernetes.io/basic-auth", {"pass": b"x"}, "neither username nor password"),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": b"x"}, "no unencrypted private key"),
        ("Opaque", {}, "holds nothing"),
    ]
    for kind, data, message in wrong:
        assert message in fault_of(kind, data)
