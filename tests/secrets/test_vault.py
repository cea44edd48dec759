"""The vault: what it keeps, that it is never in the clear, and every way in which it can't be opened."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pyrage
import pytest

from generator.errors import VaultError
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.vault.file import open_vault, save_vault
from generator.secrets.vault.identities import recipients_for_new_vault
from generator.secrets.vault.model import Vault
from tests.secrets.conftest import NOW, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from tests.secrets.conftest import Workspace


@pytest.fixture
def full_vault(vault: Vault, catalogue: Callable[..., Catalogue], workspace: Workspace) -> Vault:
    """A vault with a value of each kind, for identities that exist."""
    recipients = recipients_for_new_vault(workspace.identities).public_keys
    filled = reconcile(catalogue(), vault, None, NOW, TOKEN).vault
    return filled.model_copy(update={"recipients": recipients})


def rewritten(workspace: Workspace, document: dict[str, Any], recipients: list[str] | None = None) -> None:
    """Encrypt any content as a vault."""
    keys = [pyrage.x25519.Recipient.from_str(key) for key in recipients or document["recipients"]]
    workspace.vault.write_bytes(pyrage.encrypt(json.dumps(document).encode(), keys, armored=True))


def content(vault: Vault) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(vault.to_json().reveal())
    return document


def test_what_is_saved_is_opened_again(workspace: Workspace, full_vault: Vault) -> None:
    save_vault(workspace.vault, full_vault)
    assert workspace.open() == full_vault


def test_the_recovery_identity_opens_it_too(workspace: Workspace, full_vault: Vault) -> None:
    save_vault(workspace.vault, full_vault)
    recovery = workspace.identities.path.with_name("recovery-identity.txt")
    assert open_vault(workspace.vault, recovery, cluster="home") == full_vault


def test_the_file_is_armored_private_and_encrypted(workspace: Workspace, full_vault: Vault) -> None:
    save_vault(workspace.vault, full_vault)
    text = workspace.vault.read_bytes()
    assert text.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert stat.S_IMODE(workspace.vault.stat().st_mode) == 0o600
    assert not [secret for secret in full_vault.secrets() if secret.reveal() in text]


def test_the_json_is_canonical(full_vault: Vault) -> None:
    text = full_vault.to_json().reveal()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode()
    assert Vault.model_validate_json(text).to_json().reveal() == text


def test_no_repr_shows_a_secret(full_vault: Vault) -> None:
    shown = repr(full_vault) + str(full_vault)
    assert not [secret for secret in full_vault.secrets() if secret.reveal().decode(errors="replace") in shown]
    assert "***" in shown


def test_a_missing_identity_is_named(workspace: Workspace, full_vault: Vault) -> None:
    save_vault(workspace.vault, full_vault)
    workspace.identities.path.unlink()
    with pytest.raises(VaultError, match=r"there is no identity at .*identity\.txt") as caught:
        workspace.open()
    assert caught.value.fix is not None
    assert "FMC_IDENTITY" in caught.value.fix


def test_a_wrong_identity_is_named(workspace: Workspace, full_vault: Vault, tmp_path: Path) -> None:
    save_vault(workspace.vault, full_vault)
    stranger = tmp_path / "stranger.txt"
    stranger.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(VaultError, match=r"no identity in .*stranger\.txt opens the vault"):
        open_vault(workspace.vault, stranger, cluster="home")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: b"hunter2",
        lambda text: text[:-200],
        lambda text: text[:3000] + (b"A" if text[3000:3001] != b"A" else b"B") + text[3001:],
    ],
    ids=["empty", "no age file", "cut off", "one byte"],
)
def test_a_damaged_file_is_named(workspace: Workspace, full_vault: Vault, damage: Callable[[bytes], bytes]) -> None:
    save_vault(workspace.vault, full_vault)
    workspace.vault.write_bytes(damage(workspace.vault.read_bytes()))
    with pytest.raises(VaultError, match="damaged or no age file") as caught:
        workspace.open()
    assert caught.value.where == str(workspace.vault)
    assert caught.value.fix is not None


def test_another_clusters_vault_is_refused(workspace: Workspace, full_vault: Vault) -> None:
    save_vault(workspace.vault, full_vault)
    with pytest.raises(VaultError, match="belongs to the cluster home, the catalogue to lab"):
        open_vault(workspace.vault, workspace.identities.path, cluster="lab")


def test_a_newer_format_is_refused(workspace: Workspace, full_vault: Vault) -> None:
    rewritten(workspace, {**content(full_vault), "version": 2, "unheard_of": []})
    with pytest.raises(VaultError, match="format 2, this fmc knows 1") as caught:
        workspace.open()
    assert caught.value.fix is not None
    assert "Install that version" in caught.value.fix


def test_fewer_than_two_recipients_are_refused(workspace: Workspace, full_vault: Vault) -> None:
    one = full_vault.recipients[0]
    with pytest.raises(VaultError, match="1 recipient, 2 are needed"):
        save_vault(workspace.vault, full_vault.model_copy(update={"recipients": (one, one)}))
    assert not workspace.vault.exists()
    rewritten(workspace, {**content(full_vault), "recipients": [one]})
    with pytest.raises(VaultError, match="1 recipient, 2 are needed"):
        workspace.open()


def test_a_recipient_that_is_no_public_key_is_named(workspace: Workspace, vault: Vault) -> None:
    with pytest.raises(VaultError, match="age1operator is no age public key"):
        save_vault(workspace.vault, vault)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"surprise": 1}, "surprise"),
        ({"fingerprint_key": "no base64!"}, "fingerprint_key"),
        ({"fingerprint_key": 7}, "fingerprint_key"),
        ({"fingerprint_key": "c2hvcnQ="}, "fingerprint_key"),
        ({"sealing_keys": []}, "sealing_keys"),
        (
            {
                "sealing_keys": [
                    {"name": "k", "certificate": "no PEM", "private_key": "", "created": "2026-01-01T00:00:00Z"}
                ]
            },
            "sealing_keys.0.certificate",
        ),
        ({"values": {"a/b": {"v": {"generator": "dice", "created": "2026-01-01T00:00:00Z", "secret": ""}}}}, "values"),
        ({"cluster": 5}, "cluster"),
    ],
)
def test_content_that_is_not_valid_is_named_without_being_shown(
    workspace: Workspace, full_vault: Vault, change: dict[str, Any], place: str
) -> None:
    rewritten(workspace, {**content(full_vault), **change})
    with pytest.raises(VaultError, match=f"not valid at {place}") as caught:
        workspace.open()
    assert caught.value.__cause__ is None
    assert "no base64!" not in str(caught.value)


def test_content_that_is_no_json_is_named(workspace: Workspace, full_vault: Vault) -> None:
    keys = [pyrage.x25519.Recipient.from_str(key) for key in full_vault.recipients]
    workspace.vault.write_bytes(pyrage.encrypt(b"hunter2", keys))
    with pytest.raises(VaultError, match="holds no JSON") as caught:
        workspace.open()
    assert "hunter2" not in str(caught.value)
