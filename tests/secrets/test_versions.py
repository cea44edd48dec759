"""Versions of a value, and its move to another name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError, VaultError
from generator.secrets.catalogue.model import USER_CATALOGUE
from generator.secrets.rename import mentions, rename
from generator.secrets.show import show_value
from generator.secrets.verify import verify_secrets
from generator.secrets.versions import list_versions
from tests.secrets.conftest import put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.secrets.conftest import Workspace

PUSH = "registry/push-token"
OLD, NEW = "shop/database", "store/shop-database"
OWN = """\
# Mine.
version: 1
secrets:
  - namespace: shop  # why
    name: database
    description: The name of database is database
    values: {password: {generator: password}, hash: {generator: password}}
    data: {password: {from: password}, hash: {from: hash, as: bcrypt, cost: 4}}

  - {namespace: shop, name: database-of-another, values: {v: {generator: token}}, data: {k: {from: v}}}
"""


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """A repository with secrets of one's own, sealed."""
    (workspace.root / USER_CATALOGUE).write_text(OWN)
    workspace.seal()
    workspace.external = {}
    return workspace


def test_versions_are_listed_from_the_one_that_counts(shop: Workspace) -> None:
    first = shop.now
    put(shop, PUSH, "token", b"the-second-token")
    second = shop.now
    put(shop, PUSH, "token", b"the-third-token")
    name, versions = list_versions(shop.store, PUSH, "token")
    assert name == "token"
    assert [(one.number, one.made_at, one.replaced_at) for one in versions] == [
        (0, shop.now, None),
        (1, second, shop.now),
        (2, first, second),
    ]
    assert len({one.revision for one in versions}) == 3
    shown = [show_value(shop.store, PUSH, "token", shop.now, version=one.number) for one in versions]
    assert [one.content.reveal() for one in shown] == [
        b"the-third-token",
        b"the-second-token",
        b"glpat-4711-external-value",
    ]
    # It is what counts that is set again, not a further version of the same.
    put(shop, PUSH, "token", b"the-second-token")
    assert len(list_versions(shop.store, PUSH, "token")[1]) == 4
    with pytest.raises(BadInputError, match="has no version 9 of token") as caught:
        show_value(shop.store, PUSH, "token", shop.now, version=9)
    assert f"`fmc secret history {PUSH} token`" in (caught.value.fix or "")


def test_a_renamed_secret_keeps_its_values_their_age_and_their_versions(shop: Workspace) -> None:
    put(shop, OLD, "password", b"a-password-of-my-own")
    shop.seal()
    before = shop.open()
    rename(shop.store, OLD, NEW)
    assert (shop.root / USER_CATALOGUE).read_text() == OWN.replace("namespace: shop  #", "namespace: store  #").replace(
        "name: database\n", "name: shop-database\n"
    )
    shop.now = shop.now.replace(minute=59)
    report = shop.seal()
    assert (report.made, report.deleted) == ((NEW,), ("secrets/shop/database.sealed.yaml",))
    after = shop.open()
    for name, record in before.values[OLD].items():
        assert (after.values[NEW][name].secret, after.values[NEW][name].created) == (record.secret, record.created)
    assert [one.content.reveal() for one in (show_value(shop.store, NEW, "password", shop.now),)] == [
        b"a-password-of-my-own"
    ]
    assert len(list_versions(shop.store, NEW, "password")[1]) == 2
    assert verify_secrets(shop.root, after, shop.now) == []
    assert shop.seal().written == ()


def test_a_rename_that_was_killed_is_completed(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("generator.secrets.rename.write_atomic", killed)
        with pytest.raises(KeyboardInterrupt):
            rename(shop.store, OLD, NEW)
    assert (shop.root / USER_CATALOGUE).read_text() == OWN
    rename(shop.store, OLD, NEW)
    vault = shop.open()
    assert vault.values[NEW]["password"].secret == vault.values[OLD]["password"].secret
    # Once more there is nothing to do, and an entry that a person renamed gets its values as well.
    rename(shop.store, OLD, NEW)
    assert shop.open() == vault


@pytest.mark.parametrize(
    ("old", "new", "message", "fix"),
    [
        (PUSH, NEW, "the template names it", "Only secrets of"),
        (OLD, PUSH, f"there is a secret {PUSH} already", "Choose another name"),
        (OLD, "shop", "is no name of a secret", "NAMESPACE/NAME"),
        (OLD, "Shop/x", "is no name of a secret", "NAMESPACE/NAME"),
        ("shop/database2", NEW, "no secret shop/database2", "Did you mean shop/database?"),
    ],
)
def test_what_cannot_be_renamed(shop: Workspace, old: str, new: str, message: str, fix: str) -> None:
    vault = shop.vault.read_bytes()
    with pytest.raises(BadInputError, match=message) as caught:
        rename(shop.store, old, new)
    assert fix in (caught.value.fix or "")
    assert (shop.vault.read_bytes(), (shop.root / USER_CATALOGUE).read_text()) == (vault, OWN)


def test_an_entry_in_a_shape_of_its_own_is_left_to_its_author(shop: Workspace) -> None:
    text = OWN.replace("    name: database\n", '    "name" : database\n')
    (shop.root / USER_CATALOGUE).write_text(text)
    attempt = partial(rename, shop.store, OLD, NEW)
    with pytest.raises(BadInputError, match="can't be changed for you"):
        attempt()
    (shop.root / USER_CATALOGUE).write_text(
        OWN.replace("namespace: shop  #", "namespace: store  #").replace("name: database\n", '"name" : shop-database\n')
    )
    attempt()
    assert shop.seal().made == (NEW,)
    assert shop.open().values[NEW]["hash"].secret == shop.open().values[OLD]["hash"].secret


def test_a_name_whose_values_are_there_is_another_secrets(shop: Workspace) -> None:
    (shop.root / USER_CATALOGUE).write_text(
        OWN.replace("namespace: shop  #", "namespace: store  #").replace("name: database\n", "name: shop-database\n")
    )
    shop.seal()
    with pytest.raises(BadInputError, match=f"the vault has values of {NEW} already"):
        rename(shop.store, OLD, NEW)
    with pytest.raises(BadInputError, match="the vault has no values of shop/nobody"):
        rename(shop.store, "shop/nobody", NEW)


def test_the_places_of_the_old_name_are_named(tmp_path: Path) -> None:
    files = {
        "apps/shop/deployment.yaml": "a: 1\nsecretName: database\n# database\nname: database-two\nx: my.database\n",
        "argocd/platform/values.yml": 'existingSecret: "database"\nhost: database.example.com\n',
        "argocd/secrets/catalogue.user.yaml": "name: database\n",
        "apps/.git/x.yaml": "database\n",
        "apps/README.md": "database\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = mentions({"apps": tmp_path / "apps", "argocd": tmp_path / "argocd"}, OLD)
    assert [(one.file.relative_to(tmp_path).as_posix(), one.line) for one in found] == [
        ("apps/shop/deployment.yaml", 2),
        ("argocd/platform/values.yml", 1),
    ]


def test_without_a_vault_nothing_is_renamed(workspace: Workspace) -> None:
    (workspace.root / USER_CATALOGUE).write_text(OWN)
    with pytest.raises(VaultError):
        rename(workspace.store, OLD, NEW)
    assert (workspace.root / USER_CATALOGUE).read_text() == OWN
