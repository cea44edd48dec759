"""Two copies of a vault become one: nothing is lost, and what only a person can decide is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from generator.errors import DisputeError, VaultError
from generator.secrets.merge import Choice, MergeReport, merge_vaults, merged_vault
from generator.secrets.rotate import prepare_keys
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.vault.file import open_vault, save_vault
from generator.secrets.vault.model import KeyRecord, Vault
from generator.secrets.verify import verify_secrets
from tests.secrets.conftest import NOW, TOKEN, put
from tests.secrets.test_recipients import person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace

PUSH, ADMIN, DEPLOY = "registry/push-token", "argocd/argocd-secret", "argocd/repo-infra"
NOBODY = Choice()


@pytest.fixture
def two(workspace: Workspace) -> tuple[Workspace, Path]:
    """A vault, and a copy of it in which another operator replaces the token."""
    workspace.seal()
    workspace.external = {}
    other = workspace.folder / "other.age"
    before = workspace.vault.read_bytes()
    put(workspace, PUSH, "token", b"the-token-of-ada")
    other.write_bytes(workspace.vault.read_bytes())
    workspace.vault.write_bytes(before)
    return workspace, other


def merge(workspace: Workspace, other: Path, choice: Choice = NOBODY) -> MergeReport:
    return merge_vaults(workspace.store, other, choice, workspace.now)


def value(vault: Vault, secret: str, name: str) -> bytes:
    return vault.values[secret][name].secret.reveal()


def test_each_copy_has_something_and_the_result_has_both(two: tuple[Workspace, Path]) -> None:
    workspace, other = two
    put(workspace, ADMIN, "admin", b"a-password-of-bob")
    theirs = other.read_bytes()
    report = merge(workspace, other)
    assert (report.taken, report.changed) == ((f"{PUSH}: token",), True)
    vault = workspace.open()
    assert value(vault, PUSH, "token") == b"the-token-of-ada"
    assert value(vault, ADMIN, "admin") == b"a-password-of-bob"
    assert [one.secret.reveal() for one in vault.history[PUSH]["token"]] == [b"glpat-4711-external-value"]
    assert other.read_bytes() == theirs
    again = merge(workspace, other)
    assert (again.taken, again.changed) == ((), False)
    workspace.seal()
    assert verify_secrets(workspace.root, workspace.open(), workspace.now) == []


def test_the_older_copy_has_nothing_new(two: tuple[Workspace, Path]) -> None:
    workspace, other = two
    mine = workspace.vault.read_bytes()
    workspace.vault.write_bytes(other.read_bytes())
    other.write_bytes(mine)
    report = merge(workspace, other)
    assert (report.taken, report.changed) == ((), False)


@pytest.mark.parametrize("side", ["keep", "take"])
def test_where_both_replaced_the_same_a_person_decides(two: tuple[Workspace, Path], side: str) -> None:
    workspace, other = two
    put(workspace, PUSH, "token", b"the-token-of-bob")
    before = workspace.vault.read_bytes()
    with pytest.raises(DisputeError) as caught:
        merge(workspace, other)
    (finding,) = caught.value.findings
    assert (finding.rule, finding.path) == ("secrets/both-changed", f"{PUSH}: token")
    assert f"`--keep {PUSH}`" in finding.fix
    assert workspace.vault.read_bytes() == before
    mine, theirs = workspace.open(), open_vault(other, workspace.identities.path, cluster="home")
    merge(workspace, other, Choice(**{side: frozenset({PUSH})}))
    vault = workspace.open()
    chosen, left = (
        (b"the-token-of-bob", b"the-token-of-ada") if side == "keep" else (b"the-token-of-ada", b"the-token-of-bob")
    )
    assert value(vault, PUSH, "token") == chosen
    assert left in [one.secret.reveal() for one in vault.history[PUSH]["token"]]
    # Whoever has either copy knows the result as the newer one.
    for vault_before in (mine, theirs):
        assert vault.values[PUSH]["token"].lineage.descends_from(vault_before.values[PUSH]["token"].lineage)
    assert not merge(workspace, other).changed


def test_a_password_of_which_git_has_a_hash_alone_comes_with_the_copy_that_has_it(workspace: Workspace) -> None:
    workspace.seal()
    workspace.external = {}
    old = workspace.vault.read_bytes()
    put(workspace, ADMIN, "admin", b"a-password-of-ada")
    workspace.seal()
    other = workspace.folder / "other.age"
    other.write_bytes(workspace.vault.read_bytes())
    workspace.vault.write_bytes(old)
    workspace.seal()
    assert workspace.open().elsewhere
    report = merge(workspace, other)
    assert report.taken == (f"{ADMIN}: admin",)
    vault = workspace.open()
    assert (value(vault, ADMIN, "admin"), vault.elsewhere) == (b"a-password-of-ada", {})
    assert workspace.seal().written == ()
    assert verify_secrets(workspace.root, workspace.open(), workspace.now) == []


def test_who_was_taken_out_does_not_come_back(two: tuple[Workspace, Path], tmp_path: Path) -> None:
    workspace, other = two
    file, key = person(tmp_path, "colleague.txt")
    theirs = open_vault(other, workspace.identities.path, cluster="home")
    save_vault(other, replace(theirs, recipients=(*theirs.recipients, key)))
    report = merge(workspace, other)
    assert report.strangers == (key,)
    with pytest.raises(VaultError):
        open_vault(workspace.vault, file, cluster="home")


def test_a_prepared_key_is_not_lost(two: tuple[Workspace, Path]) -> None:
    workspace, other = two
    mine = workspace.vault.read_bytes()
    workspace.vault.write_bytes(other.read_bytes())
    (theirs,) = prepare_keys(workspace.store, ((DEPLOY, "deploy-key"),), workspace.now)
    other.write_bytes(workspace.vault.read_bytes())
    workspace.vault.write_bytes(mine)
    merge(workspace, other)
    assert workspace.open().prepared[DEPLOY]["deploy-key"].public["public"] == theirs.line
    workspace.vault.write_bytes(mine)
    (own,) = prepare_keys(workspace.store, ((DEPLOY, "deploy-key"),), workspace.now)
    with pytest.raises(DisputeError):
        merge(workspace, other)
    merge(workspace, other, Choice(keep=frozenset({DEPLOY})))
    assert workspace.open().prepared[DEPLOY]["deploy-key"].public["public"] == own.line


def test_sealing_keys_of_both_are_kept_and_two_of_a_name_refused(
    two: tuple[Workspace, Path], other_key: SealingKey
) -> None:
    workspace, other = two
    theirs = open_vault(other, workspace.identities.path, cluster="home")
    further = KeyRecord(
        name="sealed-secrets-key-2",
        certificate=other_key.certificate,
        private_key=other_key.private_key,
        created=other_key.created,
    )
    save_vault(other, replace(theirs, sealing_keys=(*theirs.sealing_keys, further)))
    assert merge(workspace, other).keys == ("sealed-secrets-key-2",)
    assert len(workspace.open().sealing_keys) == 2
    save_vault(other, replace(theirs, sealing_keys=(replace(further, name="sealed-secrets-key-1"),)))
    with pytest.raises(VaultError, match="it is not the same one"):
        merge(workspace, other)


def test_a_vault_that_was_made_by_itself_is_no_copy(workspace: Workspace, tmp_path: Path, vault: Vault) -> None:
    workspace.seal()
    other = tmp_path / "stranger.age"
    save_vault(other, replace(vault, recipients=workspace.open().recipients))
    with pytest.raises(VaultError, match="no copy of this vault"):
        merge(workspace, other)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from(["mine", "theirs", "both"]), st.sampled_from([(ADMIN, "admin"), (PUSH, "admin")])),
        max_size=5,
    )
)
def test_nothing_is_lost_whichever_side_merges(
    vault: Vault, catalogue: Callable[..., Catalogue], changes: list[tuple[str, tuple[str, str]]]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN).vault
    mine = theirs = first
    for side, place in changes:
        if side == "both":
            mine = theirs = reconcile(catalogue(), mine, None, NOW, {}, renewed={place: None}).vault
        elif side == "mine":
            mine = reconcile(catalogue(), mine, None, NOW, {}, renewed={place: None}).vault
        else:
            theirs = reconcile(catalogue(), theirs, None, NOW, {}, renewed={place: None}).vault
    here, disputed_here = merged_vault(mine, theirs, NOBODY, NOW)
    there, disputed_there = merged_vault(theirs, mine, NOBODY, NOW)
    assert set(disputed_here) == set(disputed_there)
    if not disputed_here:
        assert (here.values, here.derived) == (there.values, there.derived)
    assert merged_vault(mine, mine, NOBODY, NOW) == (mine, ())
    for one in (mine, theirs):
        assert merged_vault(here, one, NOBODY, NOW)[0].values == here.values
    had = {record.secret for one in (mine, theirs) for values in one.values.values() for record in values.values()}
    if not disputed_here:
        assert had <= set(here.secrets())
