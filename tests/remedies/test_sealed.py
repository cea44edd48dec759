"""Remedies about what Git holds of secrets, followed: what is advised is done, and then the verb succeeds."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.secrets.catalogue.model import USER_CATALOGUE
from generator.secrets.sealing.disputes import Preference
from generator.secrets.show import show_value
from tests.remedies.sealing import follow, found, nothing_is_wrong
from tests.remedies.walk import advice, advised, commands, do
from tests.secrets.conftest import FULL, fall_behind, put
from tests.secrets.test_disputes import NEW_PASSWORD, TOKEN_FILE, TOKEN_ID, grown_apart, kubesealed
from tests.secrets.test_verifying_without_vault import ADMIN, USERS, damaged, rewrite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.secrets.conftest import Workspace


@pytest.mark.parametrize("way", [0, 1])
def test_a_value_that_both_replaced(workspace: Workspace, way: int) -> None:
    delivered = grown_apart(workspace)
    (workspace.root / TOKEN_FILE).write_bytes(delivered[TOKEN_FILE])
    advice(workspace.seal, "Decide about each one as said above")
    show = partial(show_value, workspace.store, TOKEN_ID, "token", workspace.now)
    advice(show, "Run `fmc seal`: it says which, and how to decide")
    follow(workspace, commands(advised(found(workspace), "secrets/both-changed"))[way])
    assert nothing_is_wrong(workspace)
    show()


@pytest.mark.parametrize("way", [0, 1])
def test_a_value_that_somebody_else_sealed(workspace: Workspace, way: int) -> None:
    workspace.seal()
    workspace.external = {}
    (workspace.root / TOKEN_FILE).write_text(
        kubesealed(workspace, "registry", "push-token", {"token": b"theirs", "admin": b"a-password-of-theirs"})
    )
    fix = advised(found(workspace), "secrets/foreign")
    follow(workspace, commands(fix)[way])
    assert nothing_is_wrong(workspace)


@pytest.mark.parametrize("way", ["unset", "go back"])
def test_a_variable_that_somebody_forgot(workspace: Workspace, way: str) -> None:
    workspace.seal()
    forgotten, workspace.external = dict(workspace.external), {}
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    workspace.seal()
    workspace.external = forgotten
    with pytest.raises(Exception, match="don't follow each other") as caught:
        workspace.seal()
    unset, set_again = commands(next(iter(caught.value.findings)).fix)  # type: ignore[attr-defined]
    if way == "unset":
        workspace.external = {name: text for name, text in forgotten.items() if f"unset {name}" != unset}
    else:
        follow(workspace, set_again, forgotten["FMC_TEST_TOKEN"].encode())
    assert workspace.seal() is not None
    assert nothing_is_wrong(workspace)


@pytest.mark.parametrize("way", ["newest copy", "entry back", "delete"])
def test_a_secret_that_left_with_a_value_of_another_vault(workspace: Workspace, way: str) -> None:
    workspace.seal()
    workspace.external = {}
    newest = fall_behind(workspace)
    less = FULL[: FULL.index("  - namespace: registry")]
    workspace.write_catalogue(less)
    seal, delete = commands(advised(found(workspace), "secrets/left-ahead"))
    if way == "newest copy":
        workspace.vault.write_bytes(newest)
        workspace.seal()
    elif way == "entry back":
        workspace.write_catalogue(FULL)
        follow(workspace, seal)
        workspace.write_catalogue(less)
        workspace.seal()
    else:
        follow(workspace, delete)
    assert nothing_is_wrong(workspace)


@pytest.mark.parametrize("way", ["restore", "seal"])
@pytest.mark.parametrize("rule", ["secrets/ciphertext", "secrets/place", "secrets/unreadable-value"])
def test_a_manifest_that_is_damaged(workspace: Workspace, rule: str, way: str) -> None:
    workspace.seal()
    path = {"secrets/unreadable-value": TOKEN_FILE}.get(rule, USERS)
    whole = (workspace.root / path).read_bytes()
    if rule == "secrets/ciphertext":
        rewrite(workspace, USERS, lambda text: damaged(text, lambda raw: raw[:200]))
    elif rule == "secrets/place":
        (workspace.root / USERS).write_bytes((workspace.root / ADMIN).read_bytes())
    else:
        rewrite(
            workspace,
            path,
            lambda text: text.replace('"token": "Ag', '"token": "Bg').replace('"token": "AQ', '"token": "BQ'),
        )
    fix = advised(found(workspace), rule)
    assert f"git log {path}" in fix
    if way == "restore":
        (workspace.root / path).write_bytes(whole)
    else:
        follow(workspace, commands(fix)[-1])
    assert nothing_is_wrong(workspace)


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("secrets/edited", 'kind: "SealedSecret"', 'kind:  "SealedSecret"'),
        ("secrets/keys", '    "users": ', '    "user": '),
    ],
)
def test_a_manifest_that_was_edited(workspace: Workspace, rule: str, old: str, new: str) -> None:
    workspace.seal()
    rewrite(workspace, USERS, lambda text: text.replace(old, new))
    fix = advised(found(workspace), rule)
    assert fix == "Run `fmc seal`."
    follow(workspace, commands(fix)[0])
    assert nothing_is_wrong(workspace)


def test_a_value_that_was_set_and_not_sealed(workspace: Workspace) -> None:
    workspace.seal()
    workspace.external = {}
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    follow(workspace, commands(advised(found(workspace), "secrets/outdated"))[0])
    assert nothing_is_wrong(workspace)


def test_a_vault_that_is_behind(workspace: Workspace) -> None:
    workspace.seal()
    workspace.external = {}
    fall_behind(workspace)
    follow(workspace, commands(advised(found(workspace), "secrets/vault-behind"))[0])
    assert nothing_is_wrong(workspace)


def test_a_manifest_of_a_secret_that_left(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL[: FULL.index("  - namespace: registry")])
    follow(workspace, commands(advised(found(workspace), "secrets/unexpected"))[0])
    assert nothing_is_wrong(workspace)


@pytest.mark.parametrize("way", ["adopt", "move"])
@pytest.mark.parametrize("kind", ["foreign", "imitated"])
def test_a_manifest_that_nobody_here_sealed(workspace: Workspace, kind: str, way: str) -> None:
    workspace.seal()
    file = workspace.root / "secrets/shop/database.sealed.yaml"
    file.parent.mkdir()
    if kind == "foreign":
        file.write_text(kubesealed(workspace, "shop", "database", {"password": b"a-database-password"}))
    else:
        token = (workspace.root / TOKEN_FILE).read_text()
        file.write_text(token.replace("push-token", "database").replace("registry", "shop"))
    fix = advised(found(workspace), "secrets/foreign")
    adopt, move = commands(fix)
    if way == "adopt":
        assert f"give shop/database an entry in {USER_CATALOGUE}" in fix
        keys = "password: {from: v}" if kind == "foreign" else "token: {from: v}, admin: {from: v}"
        (workspace.root / USER_CATALOGUE).write_text(
            "version: 1\nsecrets:\n  - namespace: shop\n    name: database\n    values: {v: {generator: external}}\n"
            f"    data: {{{keys}}}\n"
        )
        if kind == "imitated":
            # What was copied can't be opened under another name; its finding says so, and how to go on.
            put(workspace, "shop/database", "v", b"a-database-password")
            adopt = commands(advised(found(workspace), "secrets/unreadable-value"))[-1]
        follow(workspace, adopt)
    else:
        do("git init -q && git add --all", workspace.root)
        (workspace.root / "platform").mkdir()
        do(f"{move} platform", workspace.root)
        shutil.rmtree(workspace.root / ".git")
    assert nothing_is_wrong(workspace)


def test_a_secret_that_is_too_large(workspace: Workspace) -> None:
    entry = "\n  - namespace: shop\n    name: {name}\n    values: {values}\n    data: {data}\n"
    names = ["a", "b", "c"]
    one = entry.format(
        name="large",
        values="{" + ", ".join(f"{name}: {{generator: external, env: FMC_L_{name.upper()}}}" for name in names) + "}",
        data="{" + ", ".join(f"{name}: {{from: {name}}}" for name in names) + "}",
    )
    several = "".join(
        entry.format(
            name=name, values=f"{{v: {{generator: external, env: FMC_L_{name.upper()}}}}}", data="{k: {from: v}}"
        )
        for name in names
    )
    large = {f"FMC_L_{name.upper()}": "x" * 400_000 for name in names}
    workspace.external = {**workspace.external, **large}
    workspace.write_catalogue(FULL + one)
    workspace.seal()
    assert "distribute it over several Secrets" in advised(found(workspace), "secrets/size")
    workspace.write_catalogue(FULL + several)
    workspace.seal()
    assert nothing_is_wrong(workspace)


def test_a_preference_for_what_is_not_there(workspace: Workspace) -> None:
    workspace.seal()
    unknown = Preference(git=frozenset({"registry/push-tokn"}))
    meant = advice(partial(workspace.seal, unknown), "Did you mean").removeprefix("Did you mean ").removesuffix("?")
    workspace.seal(Preference(git=frozenset({meant})))
    both = frozenset({TOKEN_ID})
    advice(partial(workspace.seal, Preference(both, both)), "Give one of the two options")
    workspace.seal(Preference(vault=both))
    assert nothing_is_wrong(workspace)


def test_a_folder_that_leads_out_of_the_repository(workspace: Workspace, tmp_path: Path) -> None:
    workspace.seal()
    folder = workspace.root / "secrets" / "traefik"
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    put(workspace, "traefik/dashboard-users", "dashboard", NEW_PASSWORD)
    advice(workspace.seal, "Remove that link, and restore the folder")
    folder.unlink()
    elsewhere.rename(folder)
    workspace.seal()
    assert nothing_is_wrong(workspace)
