"""The vault: what it keeps, that it is never in the clear, and every way in which it can't be opened."""

from __future__ import annotations

import base64
import json
import pickle
import stat
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyrage
import pytest
from msgspec.structs import replace

from generator.errors import VaultError
from generator.secrets.catalogue.model import Generator
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.vault.file import open_vault, save_vault
from generator.secrets.vault.identities import recipients_for_new_vault
from generator.secrets.vault.model import Vault
from generator.secrets.vault.record import InvalidContentError, from_document
from tests.secrets.conftest import NOW, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace


@pytest.fixture
def full_vault(vault: Vault, catalogue: Callable[..., Catalogue], workspace: Workspace) -> Vault:
    """A vault with a value of each kind, for identities that exist."""
    recipients = recipients_for_new_vault(workspace.identities).public_keys
    filled = reconcile(catalogue(), vault, None, NOW, TOKEN).vault
    return replace(filled, recipients=recipients)


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
    assert from_document(json.loads(text), Vault).to_json().reveal() == text


def test_the_format_stays_what_it_was(sealing_key: SealingKey) -> None:
    """A vault as version 1 of the format has always spelled it is read, and written again byte for byte."""
    created = "2026-01-02T03:04:05Z"
    record = {"ancestors": ["abcdefg1234"], "created": created, "revision": "hijklmn5678"}
    document = {
        "answers_recipients": ["age1b"],
        "ca": {"certificate": "PEM", "private_key": "a2V5"},
        "cluster": "home",
        "derived": {"a/b": {"hash": {"content": "aGFzaA==", "source": "0123"}}},
        "elsewhere": {"a/b": {"other": {**record, "created": "2026-01-02T03:04:05.060000+02:00"}}},
        "fingerprint_key": base64.b64encode(bytes(32)).decode(),
        "recipients": ["age1a", "age1b"],
        "sealed": {"a/b": {"key": {"certificate": "SHA256:x", "ciphertext": "AgB", "value": "4567"}}},
        "sealing_keys": [
            {"certificate": sealing_key.certificate, "created": created, "name": "key-1", "private_key": "UEVN"}
        ],
        "values": {
            "a/b": {
                "v": {**record, "generator": "ssh-key", "public": {"public": "caf\u00e9"}, "secret": "/+8="},
                "w": {**record, "ancestors": [], "generator": "external", "public": {}, "secret": ""},
            }
        },
        "version": 1,
    }
    read = from_document(document, Vault)
    assert read.values["a/b"]["v"].secret.reveal() == b"\xff\xef"
    assert read.values["a/b"]["v"].generator is Generator.SSH_KEY
    assert read.values["a/b"]["v"].created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert read.to_json().reveal() == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    further = {"generator": "token", "public": {}, "secret": "c2VjcmV0"}
    document |= {"history": {"a/b": {"w": [{**record, **further}]}}, "prepared": {"a/b": {"v": {**record, **further}}}}
    assert (
        from_document(document, Vault).to_json().reveal()
        == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    )


def test_what_a_vault_may_leave_out_is_filled_in(full_vault: Vault) -> None:
    needed = {"cluster", "fingerprint_key", "sealing_keys", "recipients"}
    least = from_document({key: part for key, part in content(full_vault).items() if key in needed}, Vault)
    assert (least.version, least.ca, least.values, least.answers_recipients) == (1, None, {}, ())


def test_opening_a_vault_does_not_pay_for_pydantic() -> None:
    """Copier brings it along; its models cost a quarter of a second, of the one that `fmc check` may take."""
    program = "import sys, generator.secrets.verify, generator.secrets.vault.file; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_it_survives_another_process(full_vault: Vault) -> None:
    assert pickle.loads(pickle.dumps(full_vault)) == full_vault


def test_nothing_of_it_can_be_changed(full_vault: Vault) -> None:
    for record in (full_vault, full_vault.sealing_keys[0], full_vault.values["argocd/argocd-secret"]["admin"]):
        with pytest.raises(AttributeError):
            setattr(record, "created", NOW)  # noqa: B010 - mypy knows that it can't be assigned


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
        save_vault(workspace.vault, replace(full_vault, recipients=(one, one)))
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
        ({"surprise": 1}, "its top level: .*surprise"),
        ({"fingerprint_key": "no base64!"}, "fingerprint_key: must be base64$"),
        ({"fingerprint_key": "caf\u00e9"}, "fingerprint_key: must be base64$"),
        ({"fingerprint_key": 7}, "fingerprint_key: must be base64$"),
        ({"fingerprint_key": "c2hvcnQ="}, "its top level: the fingerprint_key must have 32 bytes$"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"sealing_keys": []}, "sealing_keys"),
        (
            {
                "sealing_keys": [
                    {"name": "k", "certificate": "no PEM", "private_key": "", "created": "2026-01-01T00:00:00Z"}
                ]
            },
            r"sealing_keys\[0\]: the certificate can't be read: ",
        ),
        (
            {"values": {"a/b": {"v": {"generator": "dice", "created": "2026-01-01T00:00:00Z", "secret": ""}}}},
            r"values\[\.\.\.\]\[\.\.\.\]\.generator: Invalid enum value$",
        ),
        (
            {"elsewhere": {"a/b": {"v": {"created": "2026-01-01T00:00:00", "revision": ""}}}},
            r"elsewhere\[\.\.\.\]\[\.\.\.\]\.created: .*timezone",
        ),
        ({"cluster": 5}, "cluster: Expected `str`, got `int`$"),
        ({"cluster": ""}, "cluster: "),
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


def with_each_part_replaced(document: Any, stranger: Any) -> Iterator[Any]:
    """Yield the document once for each of its parts, that part being another."""
    yield stranger
    if isinstance(document, dict):
        for key, part in document.items():
            yield from ({**document, key: changed} for changed in with_each_part_replaced(part, stranger))
    if isinstance(document, list):
        for place, part in enumerate(document):
            for changed in with_each_part_replaced(part, stranger):
                yield [*document[:place], changed, *document[place + 1 :]]


@pytest.mark.parametrize(
    "stranger",
    ["hunter2", "hunter2` - at `$.hunter2`", ["hunter2"], {"key": "hunter2"}, "", 1234567, 1234567.5, None, True],
)
def test_no_message_quotes_what_it_is_about(full_vault: Vault, stranger: Any) -> None:
    """Whatever part of the vault is another one."""
    messages = []
    for document in with_each_part_replaced(content(full_vault), stranger):
        try:
            from_document(document, Vault)
        except InvalidContentError as error:
            messages.append(str(error))
            assert error.__cause__ is None
            assert error.__context__ is None
    assert len(messages) > 30
    assert not [message for message in messages if "hunter2" in message or "1234567" in message]
    assert not [message for message in messages if "$" in message]


@pytest.mark.parametrize(
    "text",
    [b"hunter2", b"", b'{"cluster": "hunter2\xff"}', b'{"values": {"a": {"hunter2": {"generator": "\\ud800"}}}}'],
    ids=["no JSON", "empty", "no UTF-8", "half a character"],
)
def test_content_that_is_no_json_is_named(workspace: Workspace, full_vault: Vault, text: bytes) -> None:
    keys = [pyrage.x25519.Recipient.from_str(key) for key in full_vault.recipients]
    workspace.vault.write_bytes(pyrage.encrypt(text, keys))
    with pytest.raises(VaultError, match="holds no JSON") as caught:
        workspace.open()
    assert "hunter2" not in str(caught.value)
