"""Setting a value by hand."""

from __future__ import annotations

import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import bcrypt
import pytest

from generator.errors import BadInputError, VaultError
from generator.secrets.making.supplied import as_meant
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.set_value import SetReport, put_value, set_value
from generator.secrets.vault.plaintext import Plaintext
from tests.secrets.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.model import Vault
    from tests.secrets.conftest import Workspace


def test_an_external_value_ends_the_wait(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    waiting = reconcile(catalogue(), vault, None, NOW, {})
    assert [(item.secret, item.value) for item in waiting.pending] == [("registry/push-token", "token")]
    changed = put_value(waiting.vault, catalogue(), "registry/push-token", "token", Plaintext(b"tok-123456"), NOW)
    done = reconcile(catalogue(), changed, None, NOW, {})
    assert done.pending == ()
    assert done.made == ("registry/push-token",)
    assert len(done.kept) == 4


def test_a_chosen_password_replaces_the_generated_one(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    first = reconcile(catalogue(), vault, None, NOW, {})
    chosen = put_value(
        first.vault, catalogue(), "argocd/argocd-secret", "admin", Plaintext(b"correct horse battery staple"), NOW
    )
    second = reconcile(catalogue(), chosen, None, NOW, {})
    assert second.changed == ("argocd/argocd-secret",)
    assert second.vault.values["argocd/argocd-secret"]["admin"].secret.reveal() == b"correct horse battery staple"


def test_the_same_value_changes_nothing(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    target = ("registry/push-token", "token", Plaintext(b"tok-123456"), NOW)
    once = put_value(vault, catalogue(), *target)
    assert put_value(once, catalogue(), *target) is once


@pytest.mark.parametrize(
    ("secret_id", "name", "plaintext", "message", "fix"),
    [
        ("argocd/argo-secret", "admin", b"x", "no secret argocd/argo-secret", "Did you mean argocd/argocd-secret?"),
        ("argocd/argocd-secret", "admn", b"x", "no value admn", "Did you mean admin?"),
        ("argocd/repo-infra", "deploy-key", b"x", "made by ssh-key", None),
        ("registry/push-token", "token", b"", "is empty", None),
        ("registry/push-token", "admin", b"x" * 15, "fewer than 16 characters", None),
        ("registry/push-token", "admin", b"caf\xe9 caf\xe9 caf\xe9 caf\xe9", "no UTF-8 text", None),
        ("registry/push-token", "admin", b"correct horse\nbattery", "can't be typed", None),
        ("argocd/argocd-secret", "admin", "\N{SNOWMAN}".encode() * 25, "longer than the 72 bytes", None),
    ],
)
def test_what_can_not_be_set_is_said(
    vault: Vault,
    catalogue: Callable[..., Catalogue],
    secret_id: str,
    name: str,
    plaintext: bytes,
    message: str,
    fix: str | None,
) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        put_value(vault, catalogue(), secret_id, name, Plaintext(plaintext), NOW)
    assert caught.value.fix == fix
    assert len(plaintext) < 2 or plaintext.decode(errors="replace") not in str(vars(caught.value))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (b"token", b"token"),
        (b"token\n", b"token"),
        (b"token\r\n", b"token"),
        (b" token \n", b" token "),
        (b"token\n\n", b"token"),
        (b"token\r\n\r\n\n", b"token"),
        (b"\n\n", b""),
        (b"{\n  1\n}\n\n\n", b"{\n  1\n}\n"),
        (b"-----BEGIN KEY-----\nAAAA\n-----END KEY-----", b"-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n"),
        (b"-----BEGIN KEY-----\r\nAAAA\r\n", b"-----BEGIN KEY-----\r\nAAAA\r\n"),
        (b"\xff\n", b"\xff\n"),
        (b"a\x00b\n", b"a\x00b\n"),
        (b"-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n", b"-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n"),
        (b"\n", b""),
    ],
)
def test_line_ends_after_one_line_are_not_part_of_the_value(typed: bytes, meant: bytes) -> None:
    """Faults B14: of a token with two line ends one was sealed; a file keeps its inner ones, and one at its end."""
    assert as_meant(typed) == meant


def test_a_variable_of_the_environment_goes_the_same_way_in(workspace: Workspace) -> None:
    workspace.external = {"FMC_TEST_TOKEN": "glpat-4711-external-value\n\n"}
    assert workspace.seal().vault.values["registry/push-token"]["token"].secret.reveal() == b"glpat-4711-external-value"


def test_a_value_that_no_secret_can_hold_is_refused(workspace: Workspace) -> None:
    """Faults E16: 3 MB."""
    workspace.seal()
    with pytest.raises(BadInputError, match="has 3000000 bytes, and Kubernetes takes 1048576"):
        on_disk(workspace, "registry/push-token", "token", b"x" * 3_000_000)


def on_disk(workspace: Workspace, secret_id: str, name: str | None, plaintext: bytes) -> SetReport:
    later = workspace.now + timedelta(hours=1, microseconds=5)
    return set_value(workspace.store, secret_id, name, plaintext, later)


def test_a_value_set_on_disk_is_sealed_by_the_next_run(workspace: Workspace) -> None:
    workspace.external = {}
    workspace.seal()
    before = workspace.files()
    report = on_disk(workspace, "registry/push-token", "token", b"tok-1234567890")
    assert report == SetReport("registry/push-token", "token", changed=True)
    assert workspace.files() == before
    assert stat.S_IMODE(workspace.vault.stat().st_mode) == 0o600
    assert workspace.seal().made == ("registry/push-token",)
    assert not on_disk(workspace, "registry/push-token", "token", b"tok-1234567890").changed


def test_a_new_admin_password_ends_older_sessions(workspace: Workspace) -> None:
    """Argo CD compares the time of the password with that of the session."""
    workspace.seal()
    on_disk(workspace, "argocd/argocd-secret", None, b"correct horse battery staple")
    report = workspace.seal()
    assert report.changed == ("argocd/argocd-secret",)
    record = report.vault.values["argocd/argocd-secret"]["admin"]
    assert record.created == NOW + timedelta(hours=1)
    hashed = report.vault.derived["argocd/argocd-secret"]["admin.password"].content.reveal()
    assert bcrypt.checkpw(b"correct horse battery staple", hashed)


def test_a_value_that_is_not_named_has_to_be_the_only_one(workspace: Workspace) -> None:
    workspace.seal()
    with pytest.raises(BadInputError, match="several values") as caught:
        on_disk(workspace, "registry/push-token", None, b"x" * 20)
    assert caught.value.fix == "Name one of them: token, admin."
    with pytest.raises(BadInputError, match="no value that can be set"):
        on_disk(workspace, "argocd/repo-infra", None, b"x" * 20)


def test_without_a_vault_the_first_command_is_named(workspace: Workspace) -> None:
    with pytest.raises(VaultError, match="no vault") as caught:
        on_disk(workspace, "registry/push-token", "token", b"x" * 20)
    assert caught.value.fix == "Run `fmc seal` first; it makes one."
    assert not workspace.vault.exists()
