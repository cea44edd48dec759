"""Remedies about secrets and the vault, followed: what is advised is done, and then the verb succeeds."""

from __future__ import annotations

import shlex
import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.secrets.catalogue.model import CATALOGUE, USER_CATALOGUE
from generator.secrets.export import export_keys
from generator.secrets.sealing.disputes import Preference
from generator.secrets.set_value import set_value
from generator.secrets.show import show_value
from generator.secrets.vault.file import open_vault, save_vault
from generator.secrets.verify import verify_secrets
from tests.remedies.walk import advice, advised, commands, do
from tests.secrets.conftest import FULL
from tests.secrets.test_disputes import ADMIN_ID, NEW_PASSWORD, TOKEN_FILE, TOKEN_ID, grown_apart, kubesealed, put
from tests.secrets.test_export import put_keys
from tests.secrets.test_recipients import person, sealed
from tests.secrets.test_verifying_without_vault import ADMIN, USERS, damaged, rewrite

if TYPE_CHECKING:
    from pathlib import Path

    from generator.findings import Finding
    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace

CERTIFICATE = "secrets/sealing-cert.pem"


def follow(place: Workspace, command: str, value: bytes = b"a-value-of-a-person") -> None:
    """Do what a command of fmc does, as it stands in a message."""
    program, verb, *rest = shlex.split(command)
    assert program == "fmc"
    if verb == "seal":
        chosen = dict(zip(rest[::2], rest[1::2], strict=True))
        place.seal(
            Preference(
                vault=frozenset({chosen["--prefer-vault"]} if "--prefer-vault" in chosen else ()),
                git=frozenset({chosen["--prefer-git"]} if "--prefer-git" in chosen else ()),
            )
        )
    else:
        assert (verb, rest[0]) == ("secret", "set")
        _, secret, name = rest
        put(place, secret, name, value)


def found(place: Workspace) -> list[Finding]:
    """What `fmc check` says about the secrets of a repository."""
    return verify_secrets(place.root, place.open(), place.now)


def nothing_is_wrong(place: Workspace) -> bool:
    """Tell whether seal has nothing to do, and check nothing to say."""
    return place.seal().written == () and found(place) == []


# Values.


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


# Vault and Git.


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
    old = workspace.vault.read_bytes()
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    workspace.seal()
    newest = workspace.vault.read_bytes()
    workspace.vault.write_bytes(old)
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
    old = workspace.vault.read_bytes()
    put(workspace, TOKEN_ID, "token", b"the-newer-token")
    workspace.seal()
    workspace.vault.write_bytes(old)
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


# The sealing certificate and the keys.


@pytest.mark.parametrize("way", ["restore", "delete"])
@pytest.mark.parametrize("state", ["damaged", "another's"])
def test_a_certificate_that_was_changed(workspace: Workspace, other_key: SealingKey, state: str, way: str) -> None:
    """`fmc seal` alone refuses it: the finding has to say what to do with the file."""
    workspace.seal()
    file = workspace.root / CERTIFICATE
    whole = file.read_bytes()
    file.write_text("no certificate\n" if state == "damaged" else other_key.certificate)
    rule = "secrets/certificate" if state == "damaged" else "secrets/sealing-key"
    said = [one.fix for one in found(workspace) if one.rule == rule] or [one.fix for one in found(workspace)]
    assert all(CERTIFICATE in fix for fix in said)
    assert commands(advice(workspace.seal, "restore or delete the file")) == ["fmc seal"]
    file.write_bytes(whole) if way == "restore" else file.unlink()
    workspace.seal()
    assert nothing_is_wrong(workspace)


def test_a_certificate_that_is_missing(workspace: Workspace) -> None:
    workspace.seal()
    export = partial(export_keys, workspace.store)
    (workspace.root / CERTIFICATE).unlink()
    assert commands(advised(found(workspace), "secrets/certificate"))[-1] == "fmc seal"
    follow(workspace, commands(advice(export, "Run `fmc seal`: it seals the repository"))[0])
    export()
    assert nothing_is_wrong(workspace)


def test_a_repository_that_is_sealed_to_an_older_key(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    key = workspace.key
    put_keys(
        workspace,
        ("sealed-secrets-key-0", key.certificate, key),
        ("sealed-secrets-key-1", other_key.certificate, other_key),
    )
    export = partial(export_keys, workspace.store)
    follow(workspace, commands(advice(export, "so that Git is sealed to the key in use"))[0])
    export()
    assert nothing_is_wrong(workspace)


def test_a_private_key_that_is_not_its_certificates(workspace: Workspace, other_key: SealingKey) -> None:
    workspace.seal()
    backup = workspace.vault.read_bytes()
    put_keys(workspace, ("sealed-secrets-key-1", workspace.key.certificate, other_key))
    export = partial(export_keys, workspace.store)
    advice(export, "Bring the vault back from a backup")
    workspace.vault.write_bytes(backup)
    export()


def test_a_sealing_key_that_the_vault_lacks(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL.replace("name: sealed-secrets-key-1}", "name: sealed-secrets-key-7}"))
    advice(workspace.seal, "Name one of the vault's keys in sealing_key.name")
    workspace.write_catalogue(FULL)
    assert nothing_is_wrong(workspace)


# The catalogue.


@pytest.mark.parametrize("way", ["restore", "render"])
def test_a_catalogue_that_is_gone(workspace: Workspace, way: str) -> None:
    workspace.seal()
    (workspace.root / CATALOGUE).unlink()
    advice(workspace.seal, "Render the repository first (fmc new), or restore the file from Git")
    workspace.write_catalogue(FULL)
    assert nothing_is_wrong(workspace), way


def test_a_catalogue_of_ones_own_that_can_not_be_read(workspace: Workspace) -> None:
    workspace.seal()
    (workspace.root / USER_CATALOGUE).mkdir()
    advice(workspace.seal, "Correct its permissions, or restore the file")
    (workspace.root / USER_CATALOGUE).rmdir()
    assert nothing_is_wrong(workspace)


def test_a_catalogue_of_another_cluster(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL.replace("cluster: home", "cluster: away"))
    advice(workspace.seal, "Name the vault of away; each cluster has its own")
    finding = next(one for one in found(workspace) if one.rule == "secrets/vault")
    assert "Restore the catalogue (git log secrets/catalogue.yaml)" in finding.fix
    workspace.write_catalogue(FULL)
    assert nothing_is_wrong(workspace)


# The vault and who opens it.


@pytest.mark.parametrize("damage", ["gone", "cut", "no age file", "no JSON", "not valid"])
def test_a_vault_that_is_damaged(workspace: Workspace, damage: str) -> None:
    import pyrage

    workspace.seal()
    backup = workspace.vault.read_bytes()
    recipients = [pyrage.x25519.Recipient.from_str(key) for key in workspace.open().recipients]
    match damage:
        case "gone":
            workspace.vault.unlink()
        case "cut":
            workspace.vault.write_bytes(backup[: len(backup) // 2])
        case "no age file":
            workspace.vault.write_bytes(b"nothing\n")
        case _:
            text = b"{" if damage == "no JSON" else b'{"version": 1}'
            workspace.vault.write_bytes(pyrage.encrypt(text, recipients, armored=True))
    advice(workspace.seal, "from a backup")
    advice(workspace.open, "from a backup")
    workspace.vault.write_bytes(backup)
    assert nothing_is_wrong(workspace)


def test_starting_over_with_new_secrets(workspace: Workspace) -> None:
    workspace.seal()
    workspace.vault.unlink()
    assert f"delete {CERTIFICATE}" in advice(workspace.seal, "To start over with new secrets")
    (workspace.root / CERTIFICATE).unlink()
    workspace.seal()
    assert nothing_is_wrong(workspace)


@pytest.mark.parametrize("way", ["bring back", "recovery identity"])
@pytest.mark.parametrize("state", ["missing", "another's", "no identity"])
def test_an_identity_that_does_not_open_the_vault(workspace: Workspace, tmp_path: Path, state: str, way: str) -> None:
    workspace.seal()
    own = workspace.identities.path
    kept = own.read_bytes()
    recovery = own.with_name("recovery-identity.txt")
    own.unlink()
    if state == "another's":
        own.write_bytes(person(tmp_path, "other.txt")[0].read_bytes())
    elif state == "no identity":
        own.write_text("nothing\n")
    open_it = partial(open_vault, workspace.vault, cluster="home")
    advice(partial(open_it, own), "in FMC_IDENTITY")
    if way == "bring back":
        own.write_bytes(kept)
        assert open_it(own)
    else:
        assert open_it(recovery)


def test_a_recipient_that_is_no_public_key(workspace: Workspace, tmp_path: Path) -> None:
    workspace.seal()
    advice(partial(sealed, workspace, "age1nobody"), "Give the public key that age-keygen printed")
    assert sealed(workspace, person(tmp_path, "colleague.txt")[1]).recipients_added


@pytest.mark.parametrize("way", ["one who stays", "put back"])
def test_one_who_would_lock_themselves_out(workspace: Workspace, tmp_path: Path, way: str) -> None:
    file, key = person(tmp_path, "colleague.txt")
    sealed(workspace, key)
    advice(
        partial(sealed, workspace, identity=file), "Let one of those who stay run `fmc seal`, or put your public key"
    )
    if way == "put back":
        sealed(workspace, key, identity=file)
    else:
        assert sealed(workspace).recipients_removed == (key,)


def test_a_vault_for_one_alone(workspace: Workspace, tmp_path: Path) -> None:
    workspace.seal()
    vault = workspace.open()
    alone = vault.model_copy(update={"recipients": vault.recipients[:1]})
    advice(partial(save_vault, workspace.vault, alone), "Add the public key of a recovery identity")
    recovery = person(tmp_path, "recovery.txt")[1]
    save_vault(workspace.vault, alone.model_copy(update={"recipients": (*alone.recipients, recovery)}))
    assert workspace.open().recipients[1] == recovery
