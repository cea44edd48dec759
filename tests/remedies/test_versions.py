"""Remedies about versions, names and the editor, followed: what is advised is done, and then the verb succeeds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.cli.plaintext import edited
from generator.errors import BadInputError
from generator.secrets.catalogue.model import USER_CATALOGUE
from generator.secrets.listing import list_secrets
from generator.secrets.rename import rename
from generator.secrets.show import show_value
from generator.secrets.versions import list_versions
from tests.remedies.sealing import follow
from tests.remedies.walk import advice, commands
from tests.secrets.test_versions import NEW, OLD, OWN, PUSH, shop  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from tests.secrets.conftest import Workspace

RENAMED = OWN.replace("namespace: shop  #", "namespace: store  #").replace("name: database\n", "name: shop-database\n")


def test_a_version_that_the_vault_does_not_have(shop: Workspace) -> None:  # noqa: F811
    follow(shop, f"fmc secret set {PUSH} token")
    show = partial(show_value, shop.store, PUSH, "token", shop.now)
    (command,) = commands(advice(partial(show, version=7)))
    assert command == f"fmc secret history {PUSH} token"
    _, versions = list_versions(shop.store, PUSH, "token")
    assert show(version=versions[-1].number).content


@pytest.mark.parametrize(
    ("old", "new", "fix", "then"),
    [
        (PUSH, NEW, f"Only secrets of {USER_CATALOGUE}", (OLD, NEW)),
        (OLD, PUSH, "Choose another name, or take that entry out", (OLD, NEW)),
        (OLD, "Store/x", "in lower-case letters, digits and dashes", (OLD, "store/x")),
    ],
)
def test_a_name_that_can_not_be_given(
    shop: Workspace,  # noqa: F811
    old: str,
    new: str,
    fix: str,
    then: tuple[str, str],
) -> None:
    advice(partial(rename, shop.store, old, new), fix)
    rename(shop.store, *then)
    assert then[1] in shop.seal().made


def test_an_entry_that_fmc_can_not_change(shop: Workspace) -> None:  # noqa: F811
    (shop.root / USER_CATALOGUE).write_text(OWN.replace("    name: database\n", '    "name" : database\n'))
    attempt = partial(rename, shop.store, OLD, NEW)
    advice(attempt, "Write the new namespace and name there yourself, then run the same command again")
    (shop.root / USER_CATALOGUE).write_text(RENAMED)
    attempt()
    assert NEW in shop.seal().made


def test_a_name_that_had_values_before(shop: Workspace) -> None:  # noqa: F811
    (shop.root / USER_CATALOGUE).write_text(RENAMED)
    shop.seal()
    (shop.root / USER_CATALOGUE).write_text(OWN)
    shop.seal()
    advice(partial(rename, shop.store, OLD, NEW), "Choose another name; a secret of that name had its values before")
    rename(shop.store, OLD, "store/shop-database-2")
    assert "store/shop-database-2" in shop.seal().made


def test_a_secret_without_values(shop: Workspace) -> None:  # noqa: F811
    (shop.root / USER_CATALOGUE).write_text(RENAMED)
    (command,) = commands(advice(partial(rename, shop.store, "shop/nobody", NEW), "shows what there is"))
    assert command == "fmc secret list"
    assert NEW in {row.id for row in list_secrets(shop.store, shop.now)}
    rename(shop.store, OLD, NEW)


def test_a_value_that_no_editor_takes(shop: Workspace) -> None:  # noqa: F811
    with pytest.raises(BadInputError) as caught:
        edited(b"\xff\xfe")
    (command,) = commands(caught.value.fix or "")
    assert command == "fmc secret set"
    follow(shop, f"{command} {PUSH} token", b"\xff\xfe")
    assert show_value(shop.store, PUSH, "token", shop.now).content.reveal() == b"\xff\xfe"
