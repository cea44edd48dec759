"""Setting a value by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError
from generator.secrets.plaintext import Plaintext
from generator.secrets.reconcile import reconcile
from generator.secrets.values import set_value
from tests.secrets.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.secrets.catalogue import Catalogue
    from generator.secrets.vault import Vault


def test_an_external_value_ends_the_wait(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    waiting = reconcile(catalogue(), vault, None, NOW, {})
    assert [(item.secret, item.value) for item in waiting.pending] == [("registry/push-token", "token")]
    changed = set_value(waiting.vault, catalogue(), "registry/push-token", "token", Plaintext(b"tok-123456"), NOW)
    done = reconcile(catalogue(), changed, None, NOW, {})
    assert done.pending == ()
    assert done.made == ("registry/push-token",)
    assert len(done.kept) == 4


def test_a_chosen_password_replaces_the_generated_one(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    first = reconcile(catalogue(), vault, None, NOW, {})
    chosen = set_value(first.vault, catalogue(), "argocd/argocd-secret", "admin", Plaintext(b"correct horse"), NOW)
    second = reconcile(catalogue(), chosen, None, NOW, {})
    assert second.changed == ("argocd/argocd-secret",)
    assert second.vault.values["argocd/argocd-secret"]["admin"].secret.reveal() == b"correct horse"


def test_the_same_value_changes_nothing(vault: Vault, catalogue: Callable[..., Catalogue]) -> None:
    target = ("registry/push-token", "token", Plaintext(b"tok-123456"), NOW)
    once = set_value(vault, catalogue(), *target)
    assert set_value(once, catalogue(), *target) == once


@pytest.mark.parametrize(
    ("secret_id", "name", "plaintext", "message", "fix"),
    [
        ("argocd/argo-secret", "admin", b"x", "no secret argocd/argo-secret", "Did you mean argocd/argocd-secret?"),
        ("argocd/argocd-secret", "admn", b"x", "no value admn", "Did you mean admin?"),
        ("argocd/repo-infra", "deploy-key", b"x", "made by ssh-key", None),
        ("registry/push-token", "token", b"", "is empty", None),
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
        set_value(vault, catalogue(), secret_id, name, Plaintext(plaintext), NOW)
    assert caught.value.fix == fix
