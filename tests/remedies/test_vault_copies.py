"""Remedies about copies of the vault and who opens them, followed: what is advised is done, and then it succeeds."""

from __future__ import annotations

from dataclasses import replace as with_fields
from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from generator.errors import DisputeError
from generator.secrets.merge import Choice, merge_vaults
from generator.secrets.recipients import add_recipient, list_recipients, remove_recipient
from generator.secrets.set_value import set_value
from generator.secrets.show import show_value
from generator.secrets.vault.file import open_vault, save_vault
from tests.remedies.walk import advice, commands
from tests.secrets.conftest import put, vault  # noqa: F401 (a fixture)
from tests.secrets.test_merge import PUSH, two  # noqa: F401 (a fixture)
from tests.secrets.test_recipients import person, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.keys import SealingKey
    from generator.secrets.vault.model import Vault
    from tests.secrets.conftest import Workspace


def test_one_who_does_not_open_the_vault(workspace: Workspace, tmp_path: Path) -> None:
    _, key = person(tmp_path, "colleague.txt")
    workspace.seal()
    remove = partial(remove_recipient, workspace.store, key)
    assert commands(advice(remove, "shows who does")) == ["fmc vault recipients list"]
    assert key not in [row.public_key for row in list_recipients(workspace.store)]
    add_recipient(workspace.store, key)
    remove()


def test_one_whom_the_answers_name(workspace: Workspace, tmp_path: Path) -> None:
    _, key = person(tmp_path, "colleague.txt")
    sealed(workspace, key)
    advice(partial(remove_recipient, workspace.store, key), "Take it out of vault_recipients in answers.yaml")
    assert sealed(workspace).recipients_removed == (key,)


def test_ones_own_identity(workspace: Workspace, tmp_path: Path) -> None:
    file, key = person(tmp_path, "colleague.txt")
    workspace.seal()
    add_recipient(workspace.store, key)
    theirs = with_fields(workspace.store, identities=with_fields(workspace.identities, path=file))
    advice(partial(remove_recipient, theirs, key), "Let one of those who stay take it out")
    remove_recipient(workspace.store, key)


@pytest.mark.parametrize("option", ["--keep", "--take"])
def test_two_values_that_do_not_follow_each_other(
    two: tuple[Workspace, Path],  # noqa: F811
    option: str,
) -> None:
    workspace, other = two
    put(workspace, PUSH, "token", b"the-token-of-bob")
    merge = partial(merge_vaults, workspace.store, other, now=workspace.now)
    with pytest.raises(DisputeError) as caught:
        merge(choice=Choice())
    (finding,) = caught.value.findings
    assert "Decide about each one" in (caught.value.fix or "")
    said = dict(one.split() for one in commands(finding.fix))
    merge(choice=Choice(**{option.strip("-"): frozenset({said[option]})}))


def test_a_vault_that_is_no_copy(workspace: Workspace, tmp_path: Path, vault: Vault) -> None:  # noqa: F811
    workspace.seal()
    workspace.external = {}
    other = tmp_path / "stranger.age"
    save_vault(other, replace(vault, recipients=workspace.open().recipients))
    merge = partial(merge_vaults, workspace.store, other, Choice(), workspace.now)
    assert commands(advice(merge, "Bring over what it has")) == ["fmc secret show", "fmc secret set"]
    content = show_value(workspace.store, PUSH, "token", workspace.now).content.reveal()
    set_value(workspace.store, PUSH, "admin", content, workspace.now)


def test_two_sealing_keys_of_one_name(two: tuple[Workspace, Path], other_key: SealingKey) -> None:  # noqa: F811
    workspace, other = two
    theirs = open_vault(other, workspace.identities.path, cluster="home")
    key = replace(theirs.sealing_keys[0], certificate=other_key.certificate)
    save_vault(other, replace(theirs, sealing_keys=(key,)))
    merge = partial(merge_vaults, workspace.store, other, Choice(), workspace.now)
    advice(merge, "Keep the copy whose certificate is committed (secrets/sealing-cert.pem)")
    committed = (workspace.root / "secrets/sealing-cert.pem").read_text()
    assert committed == workspace.open().sealing_keys[0].certificate != key.certificate
    assert workspace.seal().written == ()
