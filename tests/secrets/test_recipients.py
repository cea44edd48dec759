"""Who opens the vault follows the answers, later, too (faults E6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyrage
import pytest

from generator.errors import NoIdentityError, VaultError
from generator.secrets.seal import SealReport, seal_repository
from generator.secrets.vault.file import open_vault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.secrets.conftest import Workspace


def person(folder: Path, name: str) -> tuple[Path, str]:
    """Return the identity file of somebody, and the public key for the answers."""
    identity = pyrage.x25519.Identity.generate()
    path = folder / name
    path.write_text(f"{identity}\n")
    return path, str(identity.to_public())


def sealed(workspace: Workspace, *recipients: str, identity: Path | None = None) -> SealReport:
    identities = replace(workspace.identities, recipients=recipients)
    if identity:
        identities = replace(identities, path=identity)
    store = replace(workspace.store, identities=identities)
    return seal_repository(store, workspace.external, workspace.now, workspace.key)


def test_a_recipient_that_is_added_later_opens_the_vault(workspace: Workspace, tmp_path: Path) -> None:
    file, key = person(tmp_path, "colleague.txt")
    workspace.seal()
    with pytest.raises(NoIdentityError):
        open_vault(workspace.vault, file, cluster="home")
    report = sealed(workspace, key)
    assert (report.recipients_added, report.recipients_removed) == ((key,), ())
    assert open_vault(workspace.vault, file, cluster="home").values
    assert open_vault(workspace.vault, workspace.identities.path, cluster="home").values
    recovery = workspace.identities.path.with_name("recovery-identity.txt")
    assert open_vault(workspace.vault, recovery, cluster="home").values
    assert sealed(workspace, key).recipients_added == ()


def test_one_that_leaves_the_answers_does_not_open_later_copies(workspace: Workspace, tmp_path: Path) -> None:
    file, key = person(tmp_path, "colleague.txt")
    sealed(workspace, key)
    copy = tmp_path / "copy.age"
    copy.write_bytes(workspace.vault.read_bytes())
    report = sealed(workspace)
    assert report.recipients_removed == (key,)
    assert report.recovery_identity, "one recipient alone is too few: the recovery identity takes the place"
    with pytest.raises(NoIdentityError, match="no identity"):
        open_vault(workspace.vault, file, cluster="home")
    assert open_vault(copy, file, cluster="home").values, "an older copy still opens, and fmc says so"


def test_the_operators_own_key_in_the_answers_does_not_lock_them_out_later(workspace: Workspace) -> None:
    workspace.seal()
    own = workspace.open().recipients[0]
    assert sealed(workspace, own).recipients_added == ()
    assert sealed(workspace).recipients_removed == ()
    assert workspace.open().recipients[0] == own


def test_whoever_is_no_longer_named_can_not_write_the_vault_that_way(workspace: Workspace, tmp_path: Path) -> None:
    file, key = person(tmp_path, "colleague.txt")
    sealed(workspace, key)
    before = workspace.vault.read_bytes()
    with pytest.raises(VaultError, match="you would lock yourself out") as caught:
        sealed(workspace, identity=file)
    assert caught.value.fix
    assert workspace.vault.read_bytes() == before


def test_a_recipient_that_is_no_public_key_is_named(workspace: Workspace) -> None:
    workspace.seal()
    with pytest.raises(VaultError, match="age1nobody is no age public key"):
        sealed(workspace, "age1nobody")
