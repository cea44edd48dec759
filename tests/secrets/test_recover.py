"""Sealed manifests opened with any key of the vault: all scopes, several in a file, whoever sealed them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from generator.secrets.catalogue.scope import Scope
from generator.secrets.recover import open_files, recover
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.keys import generate_sealing_key
from generator.secrets.vault.plaintext import Plaintext
from tests.remedies.walk import advice
from tests.secrets.conftest import NOW, fall_behind
from tests.secrets.test_adopt import PASSWORD, sealed, text

if TYPE_CHECKING:
    from tests.secrets.conftest import Workspace

PUSH = "registry/push-token"


def test_each_document_of_each_scope_is_opened(workspace: Workspace) -> None:
    workspace.seal()
    stranger = generate_sealing_key(2048)
    objects = [*(sealed(workspace.key, scope, scope.value) for scope in Scope), sealed(stranger, name="other")]
    found = open_files(workspace.store, [("one", text(*objects[:2])), ("two", text(*objects[2:]))])
    assert [one.secret for one in found] == [*(f"shop/{scope.value}" for scope in Scope), "shop/other"]
    assert [one.values["password"] for one in found] == [*[Plaintext(PASSWORD)] * 3, None]
    assert PASSWORD.decode() not in repr(found)
    before = workspace.vault.read_bytes()
    report = recover(workspace.store, found, NOW)
    assert (report.taken, report.closed) == ((), ("shop/other: password",))
    assert report.unknown == tuple(one.secret for one in found)
    assert workspace.vault.read_bytes() == before


def test_values_that_an_old_copy_of_the_vault_lacks_are_had_again(workspace: Workspace) -> None:
    workspace.seal()
    workspace.external = {}
    fall_behind(workspace)
    content = workspace.files()[f"secrets/{PUSH}.sealed.yaml"]
    report = recover(workspace.store, open_files(workspace.store, [("FILE", content)]), NOW)
    assert f"{PUSH}: token" in report.taken
    assert workspace.open().values[PUSH]["token"].secret == Plaintext(b"the-newer-token")
    # It is the value that Git has, and no other one of the same text.
    assert workspace.seal().written == ()


def test_a_newer_value_of_the_vault_stays(workspace: Workspace) -> None:
    workspace.seal()
    old = workspace.files()[f"secrets/{PUSH}.sealed.yaml"]
    workspace.external = {}
    newest = fall_behind(workspace)
    workspace.vault.write_bytes(newest)
    assert recover(workspace.store, open_files(workspace.store, [("FILE", old)]), NOW).taken == ()
    assert workspace.vault.read_bytes() == newest


def test_a_vault_without_values_has_them_again(workspace: Workspace) -> None:
    workspace.seal()
    vault = workspace.open()
    files = [(name, content) for name, content in workspace.files().items() if name.endswith(".sealed.yaml")]
    save_vault(workspace.vault, replace(vault, values={}, derived={}, sealed={}))
    recover(workspace.store, open_files(workspace.store, files), NOW)
    again = workspace.open().values
    for secret, name in ((PUSH, "token"), (PUSH, "admin"), ("argocd/repo-infra", "deploy-key")):
        assert again[secret][name].secret == vault.values[secret][name].secret


def test_a_file_without_a_sealed_secret(workspace: Workspace) -> None:
    workspace.seal()
    for content in (b"kind: Secret\n", b"a: [\n", b""):
        advice(partial(open_files, workspace.store, [("FILE", content)]), "Name files whose kind is SealedSecret.")
    content = workspace.files()[f"secrets/{PUSH}.sealed.yaml"]
    assert open_files(workspace.store, [("FILE", content)])[0].closed == ()
