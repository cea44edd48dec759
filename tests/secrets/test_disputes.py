"""Vault and Git that don't follow each other: what is taken over, what is asked, and that each answer works."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError, DisputeError
from generator.findings import Severity
from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.catalogue.scope import Scope
from generator.secrets.listing import State, list_secrets
from generator.secrets.seal import GitState, seal_repository
from generator.secrets.sealing.crypto import Sealer
from generator.secrets.sealing.disputes import Preference
from generator.secrets.vault.plaintext import Plaintext
from generator.secrets.verify import verify_secrets
from generator.secrets.verifying.with_vault import verify_with_vault
from generator.secrets.verifying.without_vault import verify_manifests
from tests.secrets.conftest import FULL, NOW, fall_behind, put

if TYPE_CHECKING:
    from pathlib import Path

    from generator.findings import Finding
    from generator.secrets.seal import SealReport
    from tests.secrets.conftest import Workspace

TOKEN_ID, TOKEN_FILE = "registry/push-token", "secrets/registry/push-token.sealed.yaml"
ADMIN_ID = "argocd/argocd-secret"
NEW_PASSWORD = b"a-password-of-a-persons-own"


def token(workspace: Workspace) -> bytes:
    return workspace.open().values[TOKEN_ID]["token"].secret.reveal()


def asked(workspace: Workspace, *delivered: dict[str, bytes]) -> list[Finding]:
    """Return what sealing asks; neither a file nor the vault has changed then."""
    before = workspace.files(), workspace.vault.read_bytes()
    with pytest.raises(DisputeError) as caught:
        workspace.seal(Preference(), *delivered)
    assert caught.value.exit_code == 3
    assert (workspace.files(), workspace.vault.read_bytes()) == before
    return list(caught.value.findings)


def answered(workspace: Workspace, finding: Finding, option: str) -> SealReport:
    """Do what a finding offers, literally."""
    (secret,) = re.findall(rf"`fmc seal --{option} ([^`]*)`", finding.fix)
    preference = {"prefer-vault": Preference(vault=frozenset({secret}))}.get(option)
    return workspace.seal(preference or Preference(git=frozenset({secret})))


def grown_apart(workspace: Workspace) -> dict[str, bytes]:
    """Let two copies of the vault set the token without knowing of each other; return what the other one delivered."""
    workspace.seal()
    workspace.external = {}
    common, tree = workspace.vault.read_bytes(), workspace.files()
    put(workspace, TOKEN_ID, "token", b"token-of-the-other")
    workspace.seal()
    delivered = workspace.files()
    workspace.vault.write_bytes(common)
    for name, content in tree.items():
        (workspace.root / name).write_bytes(content)
    put(workspace, TOKEN_ID, "token", b"token-of-this-vault")
    return delivered


def test_a_vault_that_was_brought_back_takes_over_what_git_has(workspace: Workspace) -> None:
    """Faults E1, literally: two secrets set, sealed and pushed; then an older copy of the vault."""
    workspace.seal()
    workspace.external = {}
    old = workspace.vault.read_bytes()
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    put(workspace, TOKEN_ID, "admin", NEW_PASSWORD)
    workspace.seal()
    delivered = workspace.files()
    workspace.vault.write_bytes(old)
    assert {finding.rule for finding in verify_with_vault(workspace.root, workspace.open(), NOW)} == {
        "secrets/vault-behind"
    }
    report = workspace.seal()
    assert report.taken == (f"{TOKEN_ID}: token", f"{TOKEN_ID}: admin")
    assert (report.written, report.deleted, workspace.files()) == ((), (), delivered)
    assert token(workspace) == b"the-newer-token"
    assert workspace.seal().taken == ()


def test_a_manifest_of_a_value_that_this_vault_never_had_stays(workspace: Workspace) -> None:
    """Faults E1: it was deleted, because the value is pending in an older copy of the vault."""
    workspace.external = {}
    workspace.seal()
    old = workspace.vault.read_bytes()
    put(workspace, TOKEN_ID, "token", b"the-first-token")
    workspace.seal()
    delivered = workspace.files()
    workspace.vault.write_bytes(old)
    report = workspace.seal()
    assert (report.deleted, report.pending, workspace.files()) == ((), (), delivered)
    assert token(workspace) == b"the-first-token"


def test_what_the_remote_branch_has_counts_though_the_work_tree_is_behind(workspace: Workspace) -> None:
    workspace.seal()
    workspace.external = {}
    old_vault, old_tree = workspace.vault.read_bytes(), workspace.files()
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    workspace.seal()
    delivered = workspace.files()
    workspace.vault.write_bytes(old_vault)
    (workspace.root / TOKEN_FILE).write_bytes(old_tree[TOKEN_FILE])
    report = workspace.seal(Preference(), {TOKEN_FILE: delivered[TOKEN_FILE]})
    assert report.taken == (f"{TOKEN_ID}: token",)
    assert workspace.files() == delivered, "the very text that the remote has, so that a pull meets no conflict"


def test_a_hash_in_git_stays_and_the_vault_says_that_it_lacks_the_value(workspace: Workspace) -> None:
    workspace.seal()
    old = workspace.vault.read_bytes()
    put(workspace, ADMIN_ID, "admin", NEW_PASSWORD)
    workspace.seal()
    delivered = workspace.files()
    workspace.vault.write_bytes(old)
    report = workspace.seal()
    assert workspace.files() == delivered
    (warning,) = report.warnings()
    assert (warning.rule, warning.severity) == ("secrets/elsewhere", Severity.WARNING)
    assert "`fmc secret set argocd/argocd-secret admin`" in warning.fix
    rows = list_secrets(workspace.store, NOW)
    assert [row.state for row in rows if row.id == ADMIN_ID] == [State.ELSEWHERE]
    put(workspace, ADMIN_ID, "admin", b"yet-another-password")
    report = workspace.seal()
    assert (report.warnings(), report.changed) == ([], (ADMIN_ID,))


@pytest.mark.parametrize(
    ("option", "wanted"), [("prefer-git", b"token-of-the-other"), ("prefer-vault", b"token-of-this-vault")]
)
def test_a_value_that_both_changed_is_asked_about(workspace: Workspace, option: str, wanted: bytes) -> None:
    delivered = grown_apart(workspace)
    (workspace.root / TOKEN_FILE).write_bytes(delivered[TOKEN_FILE])
    (finding,) = asked(workspace)
    assert (finding.rule, finding.file) == ("secrets/both-changed", TOKEN_FILE)
    assert [found.rule for found in verify_with_vault(workspace.root, workspace.open(), NOW)] == [finding.rule]
    answered(workspace, finding, option)
    assert token(workspace) == wanted
    assert verify_with_vault(workspace.root, workspace.open(), workspace.now) == []
    assert workspace.seal().written == ()


def test_setting_the_value_anew_answers_the_question_too(workspace: Workspace) -> None:
    delivered = grown_apart(workspace)
    (workspace.root / TOKEN_FILE).write_bytes(delivered[TOKEN_FILE])
    put(workspace, TOKEN_ID, "token", b"token-of-the-other")
    workspace.seal()
    assert token(workspace) == b"token-of-the-other"


def test_a_variable_that_somebody_forgot_takes_nothing_back(workspace: Workspace) -> None:
    """Faults E1, a sibling: FMC_… of an earlier token, still exported in a shell."""
    workspace.seal()
    forgotten, workspace.external = dict(workspace.external), {}
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    workspace.seal()
    workspace.external = forgotten
    (finding,) = asked(workspace)
    assert (finding.rule, finding.file) == ("secrets/stale-variable", CATALOGUE)
    assert "`unset FMC_TEST_TOKEN`" in finding.fix
    workspace.external = {}
    workspace.seal()
    assert token(workspace) == b"the-newer-token"


def test_a_foreign_manifest_is_never_deleted(workspace: Workspace) -> None:
    """Faults A3."""
    workspace.seal()
    foreign = workspace.root / "secrets/shop/database.sealed.yaml"
    foreign.parent.mkdir()
    foreign.write_text(kubesealed(workspace, "shop", "database", {"password": b"a-database-password"}))
    assert workspace.seal().deleted == ()
    (finding,) = verify_manifests(workspace.root)
    assert (finding.rule, finding.severity) == ("secrets/foreign", Severity.ERROR)
    assert "secrets/catalogue.user.yaml" in finding.fix
    assert "`git mv secrets/shop/database.sealed.yaml`" in finding.fix


def test_a_manifest_that_imitates_fmcs_marks_is_not_deleted_either(workspace: Workspace) -> None:
    workspace.seal()
    planted = workspace.root / "secrets/traefik/planted.sealed.yaml"
    users = (workspace.root / "secrets/traefik/dashboard-users.sealed.yaml").read_text()
    planted.write_text(users.replace("dashboard-users", "planted"))
    assert workspace.seal().deleted == ()
    rules = {found.rule for found in verify_with_vault(workspace.root, workspace.open(), NOW)}
    assert rules == {"secrets/foreign"}


def test_a_foreign_manifest_is_adopted_into_the_catalogue(workspace: Workspace) -> None:
    """Faults A3: the first way out, followed literally."""
    workspace.seal()
    file = workspace.root / "secrets/shop/database.sealed.yaml"
    file.parent.mkdir()
    file.write_text(kubesealed(workspace, "shop", "database", {"password": b"a-database-password"}))
    entry = """\
  - namespace: shop
    name: database
    values: {password: {generator: external}}
    data: {password: {from: password}}
"""
    workspace.write_catalogue(FULL + entry)
    (finding,) = asked(workspace)
    assert (finding.rule, finding.path) == ("secrets/foreign-value", "password")
    report = answered(workspace, finding, "prefer-git")
    assert report.taken == ("shop/database: password",)
    assert workspace.open().values["shop/database"]["password"].secret.reveal() == b"a-database-password"
    assert verify_manifests(workspace.root) == []


def test_keys_of_a_foreign_manifest_that_the_catalogue_lacks_are_not_dropped(workspace: Workspace) -> None:
    workspace.seal()
    file = workspace.root / TOKEN_FILE
    file.write_text(kubesealed(workspace, "registry", "push-token", {"webhook": b"something-else"}))
    (finding,) = asked(workspace)
    assert finding.path == "webhook"
    answered(workspace, finding, "prefer-vault")
    assert verify_manifests(workspace.root) == []


def test_a_secret_whose_newest_value_this_vault_lacks_is_not_deleted(workspace: Workspace) -> None:
    workspace.seal()
    workspace.external = {}
    fall_behind(workspace)
    workspace.write_catalogue(FULL[: FULL.index("  - namespace: registry")])
    (finding,) = asked(workspace)
    assert finding.rule == "secrets/left-ahead"
    assert answered(workspace, finding, "prefer-vault").deleted == (TOKEN_FILE,)


def test_a_damaged_sealed_value_is_asked_about(workspace: Workspace) -> None:
    workspace.seal()
    file = workspace.root / TOKEN_FILE
    file.write_text(file.read_text().replace('"token": "Ag', '"token": "Bg').replace('"token": "AQ', '"token": "BQ'))
    (finding,) = asked(workspace)
    assert (finding.rule, finding.path) == ("secrets/unreadable-value", "token")
    answered(workspace, finding, "prefer-vault")
    assert verify_manifests(workspace.root) == []


def test_an_unknown_secret_can_not_be_decided_about(workspace: Workspace) -> None:
    workspace.seal()
    with pytest.raises(BadInputError, match="no secret registry/push-tokn") as caught:
        workspace.seal(Preference(git=frozenset({"registry/push-tokn"})))
    assert caught.value.fix == "Did you mean registry/push-token?"
    both = frozenset({TOKEN_ID})
    with pytest.raises(BadInputError, match="can't be both"):
        workspace.seal(Preference(both, both))


def test_a_tree_that_is_rendered_anew_keeps_what_the_old_one_delivered(workspace: Workspace, tmp_path: Path) -> None:
    """Faults E1 and A3 for `fmc new`: it seals an empty tree, which then replaces the repository."""
    workspace.seal()
    workspace.external = {}
    old = workspace.vault.read_bytes()
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    workspace.seal()
    workspace.vault.write_bytes(old)
    foreign = workspace.root / "secrets/shop/database.sealed.yaml"
    foreign.parent.mkdir()
    foreign.write_text(kubesealed(workspace, "shop", "database", {"password": b"a-database-password"}))
    staged = tmp_path / "staging" / "argocd"
    (staged / "secrets").mkdir(parents=True)
    (staged / CATALOGUE).write_text(FULL)
    store = replace(workspace.store, root=staged)
    report = seal_repository(store, {}, workspace.now, None, GitState(replaces=workspace.root))
    assert report.taken == (f"{TOKEN_ID}: token",)
    rendered = {path.relative_to(staged).as_posix(): path.read_bytes() for path in staged.rglob("*") if path.is_file()}
    assert rendered == workspace.files()


def test_a_work_tree_that_fell_behind_what_was_delivered_is_found(workspace: Workspace) -> None:
    """An old manifest was brought back by `git revert`, and the vault is an old copy as well."""
    workspace.seal()
    workspace.external = {}
    old_vault, old_tree = workspace.vault.read_bytes(), workspace.files()
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    workspace.seal()
    delivered = {TOKEN_FILE: (workspace.root / TOKEN_FILE).read_bytes()}
    workspace.vault.write_bytes(old_vault)
    (workspace.root / TOKEN_FILE).write_bytes(old_tree[TOKEN_FILE])
    assert verify_secrets(workspace.root, workspace.open(), NOW) == []
    found = verify_secrets(workspace.root, workspace.open(), NOW, [delivered])
    assert ("secrets/outdated", Severity.ERROR) in {(finding.rule, finding.severity) for finding in found}
    workspace.seal(Preference(), delivered)
    assert verify_secrets(workspace.root, workspace.open(), NOW, [delivered]) == []


def test_starting_over_with_a_new_vault_works_as_the_message_says(workspace: Workspace) -> None:
    workspace.seal()
    workspace.vault.unlink()
    (workspace.root / "secrets/sealing-cert.pem").unlink()
    report = workspace.seal()
    assert len(report.made) == 5
    assert verify_with_vault(workspace.root, workspace.open(), NOW) == []


def kubesealed(workspace: Workspace, namespace: str, name: str, data: dict[str, bytes]) -> str:
    """Return a SealedSecret as kubeseal writes it, to the committed certificate."""
    sealer = Sealer(workspace.key.certificate.encode())
    label = Scope.STRICT.label(namespace, name)
    lines = "".join(f"    {key}: {sealer.seal(Plaintext(value), label)}\n" for key, value in data.items())
    return f"""\
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: {name}
  namespace: {namespace}
spec:
  encryptedData:
{lines}  template:
    metadata:
      name: {name}
      namespace: {namespace}
"""
