"""Remedies about keys, catalogue and vault, followed: what is advised is done, and then the verb succeeds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from generator.secrets.catalogue.model import CATALOGUE, USER_CATALOGUE
from generator.secrets.export import export_keys
from generator.secrets.vault.file import open_vault, save_vault
from tests.remedies.sealing import CERTIFICATE, follow, found, nothing_is_wrong
from tests.remedies.walk import advice, advised, commands
from tests.secrets.conftest import FULL
from tests.secrets.test_export import put_keys
from tests.secrets.test_recipients import person, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace


# The sealing certificate and the keys.


@pytest.mark.parametrize("way", ["restore", "delete"])
@pytest.mark.parametrize("state", ["damaged", "another's"])
def test_a_certificate_that_was_changed(workspace: Workspace, other_key: SealingKey, state: str, way: str) -> None:
    """`fmc seal` alone refuses it: the finding has to say what to do with the file."""
    workspace.seal()
    file = workspace.root / CERTIFICATE
    whole = file.read_bytes()
    file.write_text("no certificate\n" if state == "damaged" else other_key.certificate)
    rule = "secrets/certificate" if state == "damaged" else "secrets/sealing-key"
    said = [one.fix for one in found(workspace) if one.rule == rule] or [one.fix for one in found(workspace)]
    assert all(CERTIFICATE in fix for fix in said)
    assert commands(advice(workspace.seal, "restore or delete the file")) == ["fmc seal"]
    file.write_bytes(whole) if way == "restore" else file.unlink()
    workspace.seal()
    assert nothing_is_wrong(workspace)


def test_a_certificate_that_is_missing(workspace: Workspace) -> None:
    workspace.seal()
    export = partial(export_keys, workspace.store)
    (workspace.root / CERTIFICATE).unlink()
    assert commands(advised(found(workspace), "secrets/certificate"))[-1] == "fmc seal"
    follow(workspace, commands(advice(export, "Run `fmc seal`: it seals the repository"))[0])
    export()
    assert nothing_is_wrong(workspace)


def test_a_repository_that_is_sealed_to_an_older_key(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    key = workspace.key
    put_keys(
        workspace,
        ("sealed-secrets-key-0", key.certificate, key),
        ("sealed-secrets-key-1", other_key.certificate, other_key),
    )
    export = partial(export_keys, workspace.store)
    follow(workspace, commands(advice(export, "so that Git is sealed to the key in use"))[0])
    export()
    assert nothing_is_wrong(workspace)


def test_a_private_key_that_is_not_its_certificates(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    backup = workspace.vault.read_bytes()
    put_keys(workspace, ("sealed-secrets-key-1", workspace.key.certificate, other_key))
    export = partial(export_keys, workspace.store)
    advice(export, "Bring the vault back from a backup")
    workspace.vault.write_bytes(backup)
    export()


def test_a_sealing_key_that_the_vault_lacks(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL.replace("name: sealed-secrets-key-1}", "name: sealed-secrets-key-7}"))
    advice(workspace.seal, "or name one of this vault in sealing_key.name")
    workspace.write_catalogue(FULL)
    assert nothing_is_wrong(workspace)


# The catalogue.


@pytest.mark.parametrize("way", ["restore", "render"])
def test_a_catalogue_that_is_gone(workspace: Workspace, way: str) -> None:
    workspace.seal()
    (workspace.root / CATALOGUE).unlink()
    advice(workspace.seal, "Render the repository first (fmc new), or restore the file from Git")
    workspace.write_catalogue(FULL)
    assert nothing_is_wrong(workspace), way


def test_a_catalogue_of_ones_own_that_can_not_be_read(workspace: Workspace) -> None:
    workspace.seal()
    (workspace.root / USER_CATALOGUE).mkdir()
    advice(workspace.seal, "Correct its permissions, or restore the file")
    (workspace.root / USER_CATALOGUE).rmdir()
    assert nothing_is_wrong(workspace)


def test_a_catalogue_of_another_cluster(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL.replace("cluster: home", "cluster: away"))
    advice(workspace.seal, "Name the vault of away; each cluster has its own")
    finding = next(one for one in found(workspace) if one.rule == "secrets/vault")
    assert "Restore the catalogue (git log secrets/catalogue.yaml)" in finding.fix
    workspace.write_catalogue(FULL)
    assert nothing_is_wrong(workspace)


# The vault and who opens it.


@pytest.mark.parametrize("damage", ["gone", "cut", "no age file", "no JSON", "not valid"])
def test_a_vault_that_is_damaged(workspace: Workspace, damage: str) -> None:
    import pyrage

    workspace.seal()
    backup = workspace.vault.read_bytes()
    recipients = [pyrage.x25519.Recipient.from_str(key) for key in workspace.open().recipients]
    match damage:
        case "gone":
            workspace.vault.unlink()
        case "cut":
            workspace.vault.write_bytes(backup[: len(backup) // 2])
        case "no age file":
            workspace.vault.write_bytes(b"nothing\n")
        case _:
            text = b"{" if damage == "no JSON" else b'{"version": 1}'
            workspace.vault.write_bytes(pyrage.encrypt(text, recipients, armored=True))
    advice(workspace.seal, "from a backup")
    advice(workspace.open, "from a backup")
    workspace.vault.write_bytes(backup)
    assert nothing_is_wrong(workspace)


def test_starting_over_with_new_secrets(workspace: Workspace) -> None:
    workspace.seal()
    workspace.vault.unlink()
    assert f"delete {CERTIFICATE}" in advice(workspace.seal, "To start over with new secrets")
    (workspace.root / CERTIFICATE).unlink()
    workspace.seal()
    assert nothing_is_wrong(workspace)


@pytest.mark.parametrize("way", ["bring back", "recovery identity"])
@pytest.mark.parametrize("state", ["missing", "another's", "no identity"])
def test_an_identity_that_does_not_open_the_vault(workspace: Workspace, tmp_path: Path, state: str, way: str) -> None:
    workspace.seal()
    own = workspace.identities.path
    kept = own.read_bytes()
    recovery = own.with_name("recovery-identity.txt")
    own.unlink()
    if state == "another's":
        own.write_bytes(person(tmp_path, "other.txt")[0].read_bytes())
    elif state == "no identity":
        own.write_text("nothing\n")
    open_it = partial(open_vault, workspace.vault, cluster="home")
    advice(partial(open_it, own), "in FMC_IDENTITY")
    if way == "bring back":
        own.write_bytes(kept)
        assert open_it(own)
    else:
        assert open_it(recovery)


def test_a_recipient_that_is_no_public_key(workspace: Workspace, tmp_path: Path) -> None:
    workspace.seal()
    advice(partial(sealed, workspace, "age1nobody"), "Give the public key that age-keygen printed")
    assert sealed(workspace, person(tmp_path, "colleague.txt")[1]).recipients_added


@pytest.mark.parametrize("way", ["one who stays", "put back"])
def test_one_who_would_lock_themselves_out(workspace: Workspace, tmp_path: Path, way: str) -> None:
    file, key = person(tmp_path, "colleague.txt")
    sealed(workspace, key)
    advice(
        partial(sealed, workspace, identity=file), "Let one of those who stay run `fmc seal`, or put your public key"
    )
    if way == "put back":
        sealed(workspace, key, identity=file)
    else:
        assert sealed(workspace).recipients_removed == (key,)


def test_a_vault_for_one_alone(workspace: Workspace, tmp_path: Path) -> None:
    workspace.seal()
    vault = workspace.open()
    alone = replace(vault, recipients=vault.recipients[:1])
    advice(partial(save_vault, workspace.vault, alone), "Add the public key of a recovery identity")
    recovery = person(tmp_path, "recovery.txt")[1]
    save_vault(workspace.vault, replace(alone, recipients=(*alone.recipients, recovery)))
    assert workspace.open().recipients[1] == recovery
