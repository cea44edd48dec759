"""Who opens the vault, beside those that the answers name; stock age and SSH keys among them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace as with_fields

from generator.errors import BadInputError, NoIdentityError, VaultError
from generator.secrets.making.ssh import key_pair
from generator.secrets.recipients import add_recipient, list_recipients, remove_recipient
from generator.secrets.vault.file import open_vault, save_vault
from tests.conftest import require_tool
from tests.secrets.test_recipients import person, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.secrets.conftest import Workspace


def ssh_person(folder: Path, passphrase: bytes = b"") -> tuple[Path, str]:
    """Return the private key of somebody who has one of SSH, and its public half."""
    private, public = key_pair("ada@example.com", passphrase)
    path = folder / "id_ed25519"
    path.write_bytes(private)
    return path, public


@pytest.mark.parametrize("kind", ["age", "ssh"])
def test_somebody_opens_the_vault_until_they_are_taken_out(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    workspace.seal()
    before = workspace.open()
    file, key = person(tmp_path, "colleague.txt") if kind == "age" else ssh_person(tmp_path)
    assert add_recipient(workspace.store, key)
    assert not add_recipient(workspace.store, f" {key}\n")
    assert open_vault(workspace.vault, file, cluster="home").values == before.values
    theirs = replace(workspace.store, identities=replace(workspace.identities, path=file))
    assert [row.public_key for row in list_recipients(theirs) if row.is_own] == [" ".join(key.split()[:2])]
    # `fmc seal` leaves them in.
    assert workspace.seal().recipients_removed == ()
    remove_recipient(workspace.store, key)
    with pytest.raises(NoIdentityError):
        open_vault(workspace.vault, file, cluster="home")
    assert workspace.open() == before


def test_those_of_the_answers_follow_the_answers(workspace: Workspace, tmp_path: Path) -> None:
    _, key = person(tmp_path, "colleague.txt")
    sealed(workspace, key)
    assert [row.is_named for row in list_recipients(workspace.store)].count(True) == 1
    with pytest.raises(BadInputError, match="the next `fmc seal` would add it again") as caught:
        remove_recipient(workspace.store, key)
    assert "vault_recipients in answers.yaml" in (caught.value.fix or "")
    sealed(workspace)
    assert key not in workspace.open().recipients


def test_nobody_locks_themselves_out_and_nobody_is_alone(workspace: Workspace) -> None:
    workspace.seal()
    own, recovery = (row.public_key for row in list_recipients(workspace.store))
    with pytest.raises(BadInputError, match="lock yourself out"):
        remove_recipient(workspace.store, own)
    with pytest.raises(VaultError, match="has 1 recipient, 2 are needed"):
        remove_recipient(workspace.store, recovery)
    assert workspace.open().recipients == (own, recovery)


@pytest.mark.parametrize("key", ["age1nobody", "", "ssh-rsa AAAAB3Nza", "ssh-ed25519 AAAA"])
def test_what_is_no_public_key_is_refused(workspace: Workspace, key: str) -> None:
    workspace.seal()
    vault = workspace.vault.read_bytes()
    with pytest.raises(VaultError, match="is no age public key"):
        add_recipient(workspace.store, key)
    assert workspace.vault.read_bytes() == vault
    with pytest.raises(BadInputError, match="does not open the vault"):
        remove_recipient(workspace.store, ssh_person(workspace.folder)[1])


@pytest.mark.parametrize("state", ["passphrase", "damaged"])
def test_an_ssh_key_that_cannot_be_used(workspace: Workspace, tmp_path: Path, state: str) -> None:
    workspace.seal()
    file, _ = ssh_person(tmp_path, b"secret" if state == "passphrase" else b"")
    if state == "damaged":
        file.write_bytes(file.read_bytes()[:120])
    with pytest.raises(NoIdentityError, match="without a passphrase"):
        open_vault(workspace.vault, file, cluster="home")


@pytest.mark.tools
@pytest.mark.parametrize("kind", ["age", "ssh"])
def test_stock_age_opens_the_vault_and_we_open_what_it_wrote(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    age = require_tool("age")
    workspace.seal()
    file, key = person(tmp_path, "colleague.txt") if kind == "age" else ssh_person(tmp_path)
    file.chmod(0o600)
    add_recipient(workspace.store, key)

    def run(*arguments: str, given: bytes = b"") -> bytes:
        return subprocess.run([age, *arguments], input=given, check=True, capture_output=True).stdout

    plain = run("--decrypt", "--identity", str(file), str(workspace.vault))
    assert plain == workspace.open().to_json().reveal()
    document = json.loads(plain)
    assert document["cluster"] == "home"
    keys = [argument for one in document["recipients"] for argument in ("--recipient", one)]
    theirs = tmp_path / "theirs.age"
    theirs.write_bytes(run("--encrypt", "--armor", *keys, given=plain))
    assert open_vault(theirs, file, cluster="home") == workspace.open()
    save_vault(theirs, with_fields(workspace.open(), recipients=workspace.open().recipients))
