"""Showing a value: the newest that vault and Git know, and never where there is doubt."""

from __future__ import annotations

import pytest

from generator.errors import BadInputError
from generator.secrets.show import show_value
from tests.secrets.conftest import NOW, Workspace, fall_behind, put

ADMIN = "argocd/argocd-secret"
TOKEN = "registry/push-token"


def test_a_password_is_shown_and_the_file_stays(workspace: Workspace) -> None:
    """Faults C5: no command printed Argo CD's password, so nobody could log in."""
    password = workspace.seal().vault.values[ADMIN]["admin"].secret
    before = workspace.files(), workspace.vault.read_bytes()
    shown = show_value(workspace.store, ADMIN, None, NOW)
    assert (shown.value, shown.content, shown.is_sealed) == ("admin", password, True)
    assert password.reveal().decode() not in repr(shown)
    assert (workspace.files(), workspace.vault.read_bytes()) == before


def test_a_value_that_is_not_sealed_yet_says_so(workspace: Workspace) -> None:
    workspace.seal()
    put(workspace, TOKEN, "token", b"a-newer-token")
    shown = show_value(workspace.store, TOKEN, "token", NOW)
    assert (shown.content.reveal(), shown.is_sealed) == (b"a-newer-token", False)


def test_what_git_has_newer_is_what_is_shown(workspace: Workspace) -> None:
    workspace.seal()
    workspace.external = {}
    fall_behind(workspace)
    assert show_value(workspace.store, TOKEN, "token", NOW).content.reveal() == b"the-newer-token"


def test_an_old_password_is_not_shown_as_the_present_one(workspace: Workspace) -> None:
    workspace.seal()
    old = workspace.vault.read_bytes()
    put(workspace, ADMIN, "admin", b"a-password-of-a-persons-own")
    workspace.seal()
    workspace.vault.write_bytes(old)
    with pytest.raises(BadInputError, match="another copy of the vault replaced admin") as caught:
        show_value(workspace.store, ADMIN, None, NOW)
    assert "fmc secret set argocd/argocd-secret admin" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("secret", "value", "message"),
    [
        ("argocd/argo-secret", None, "the catalogue has no secret argocd/argo-secret"),
        (TOKEN, None, "registry/push-token has several values"),
        (TOKEN, "tokn", "registry/push-token has no value tokn"),
    ],
)
def test_what_is_not_there_is_named(workspace: Workspace, secret: str, value: str | None, message: str) -> None:
    workspace.seal()
    with pytest.raises(BadInputError, match=message) as caught:
        show_value(workspace.store, secret, value, NOW)
    assert caught.value.fix


def test_a_pending_value_has_nothing_to_show(workspace: Workspace) -> None:
    workspace.external = {}
    workspace.seal()
    with pytest.raises(BadInputError, match="no value for token yet"):
        show_value(workspace.store, TOKEN, "token", NOW)
