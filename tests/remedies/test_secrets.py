"""Remedies about values of secrets, followed: what is advised is done, and then the verb succeeds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.secrets.set_value import set_value
from generator.secrets.show import show_value
from tests.remedies.sealing import follow, found, nothing_is_wrong
from tests.remedies.walk import advice, advised, commands
from tests.secrets.conftest import FULL, put
from tests.secrets.test_disputes import ADMIN_ID, NEW_PASSWORD, TOKEN_ID

if TYPE_CHECKING:
    from tests.secrets.conftest import Workspace


@pytest.mark.parametrize("way", ["variable", "command"])
def test_a_value_that_nobody_has_supplied(workspace: Workspace, way: str) -> None:
    workspace.external = {}
    fix = advised(workspace.seal().warnings(), "secrets/pending")
    assert "Set FMC_TEST_TOKEN" in fix
    if way == "variable":
        workspace.external = {"FMC_TEST_TOKEN": "a-token"}
    else:
        follow(workspace, commands(fix)[0])
    follow(workspace, commands(fix)[-1])
    assert nothing_is_wrong(workspace)


def test_a_missing_manifest(workspace: Workspace) -> None:
    workspace.external = {}
    workspace.seal()
    finding = next(one for one in found(workspace) if one.rule == "secrets/missing")
    assert "supply its external values if it is still pending then" in finding.fix
    follow(workspace, commands(finding.fix)[0])
    workspace.external = {"FMC_TEST_TOKEN": "a-token"}
    follow(workspace, commands(finding.fix)[0])
    assert nothing_is_wrong(workspace)


def test_a_value_before_there_is_a_vault(workspace: Workspace) -> None:
    set_it = partial(put, workspace, TOKEN_ID, "token", b"a-token")
    follow(workspace, commands(advice(set_it, "Run `fmc seal` first"))[0])
    workspace.external = {}
    set_it()


def test_a_variable_that_would_undo_what_is_set(workspace: Workspace) -> None:
    workspace.seal()
    given = dict(workspace.external)

    def set_it() -> None:
        set_value(workspace.store, TOKEN_ID, "token", b"another", workspace.now, given)

    unset = commands(advice(set_it, "Type `unset"))[0]
    given.pop(unset.removeprefix("unset "))
    set_it()


@pytest.mark.parametrize(
    ("secret", "name", "said", "meant"),
    [
        ("registry/push-tokn", None, "Did you mean registry/push-token?", ("registry/push-token", "token")),
        ("registry/push-token", "tokn", "Did you mean token?", ("registry/push-token", "token")),
        ("registry/push-token", None, "Name one of them: token, admin.", ("registry/push-token", "admin")),
    ],
)
def test_a_name_that_is_not_there(
    workspace: Workspace, secret: str, name: str | None, said: str, meant: tuple[str, str]
) -> None:
    workspace.seal()
    assert advice(partial(show_value, workspace.store, secret, name, workspace.now)) == said
    assert show_value(workspace.store, *meant, workspace.now).content
    advice(partial(set_value, workspace.store, secret, name, NEW_PASSWORD, workspace.now), said)
    set_value(workspace.store, *meant, NEW_PASSWORD, workspace.now)


def test_a_certificate_is_not_set_by_hand(workspace: Workspace) -> None:
    workspace.seal()
    set_it = partial(put, workspace, "traefik/default-certificate", "web", b"x")
    (renew,) = commands(advice(set_it, "Nothing has to be set"))
    follow(workspace, renew)
    assert nothing_is_wrong(workspace)


LATER = """
  - namespace: shop
    name: later
    values: {v: {generator: password}}
    data: {k: {from: v}}
"""


@pytest.mark.parametrize("way", [0, 1])
def test_a_value_that_can_not_be_shown_yet(workspace: Workspace, way: int) -> None:
    show = partial(show_value, workspace.store, *(("shop/later", "v") if way else (TOKEN_ID, "token")))
    workspace.external = {}
    workspace.seal()
    # An entry that came after the last seal has no value yet.
    workspace.write_catalogue(FULL + LATER)
    fix = advice(partial(show, workspace.now), "Supply it with")
    follow(workspace, commands(fix)[way])
    assert show(workspace.now).content


@pytest.mark.parametrize("way", ["newest copy", "new value"])
def test_a_value_of_which_git_holds_a_hash_alone(workspace: Workspace, way: str) -> None:
    workspace.seal()
    old = workspace.vault.read_bytes()
    put(workspace, ADMIN_ID, "admin", NEW_PASSWORD)
    workspace.seal()
    newest = workspace.vault.read_bytes()
    workspace.vault.write_bytes(old)
    show = partial(show_value, workspace.store, ADMIN_ID, "admin", workspace.now)
    fix = advised(workspace.seal().warnings(), "secrets/elsewhere")
    assert commands(advice(show, "Bring the newest copy of the vault here")) == commands(fix)[:1]
    if way == "newest copy":
        workspace.vault.write_bytes(newest)
    else:
        for command in commands(fix):
            follow(workspace, command)
    assert nothing_is_wrong(workspace)
    show()


def test_a_value_that_is_too_long_for_bcrypt(workspace: Workspace) -> None:
    """A text from a variable is hashed: of more than 72 bytes the rest would not count."""
    workspace.write_catalogue(
        FULL.replace("as: raw}", "as: bcrypt, cost: 4}").replace(
            "token: {from: token}", "token: {from: token, as: bcrypt, cost: 4}"
        )
    )
    workspace.external = {"FMC_TEST_TOKEN": "x" * 80}
    advice(workspace.seal, "Supply a shorter value")
    workspace.external = {"FMC_TEST_TOKEN": "x" * 70}
    workspace.seal()
    assert nothing_is_wrong(workspace)
