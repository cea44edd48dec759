"""Secrets that can't be used: each is refused by the command itself, with its remedy, and nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyrage
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from msgspec.structs import replace

from generator.secrets.vault.file import open_vault, save_vault
from tests.pipeline.world import World, tree

if TYPE_CHECKING:
    from pathlib import Path

TOKEN, DASHBOARD = "argocd/git-credentials", "traefik/traefik-dashboard-auth"
_MINE = """version: 1
secrets:
  - namespace: hello-production
    name: mine
    values: {{login: {value}}}
    data: {{users: {{from: login, {form}}}}}
"""
_HTPASSWD = "as: htpasswd, user: ada, cost: 4"
_BCRYPT = "as: bcrypt, cost: 4"


def refused(world: World, *arguments: str, stdin: str = "", code: int = 2, **variables: str) -> str:
    """Run fmc; assert that it refused, and that no file is another one. Return what it said."""
    before, references = tree(world.folder), world.references()
    done = world.fmc(*arguments, cwd=world.workspace, stdin=stdin, env=variables)
    assert done.code == code, done.all
    after = {name: content for name, content in tree(world.folder).items() if not name.startswith("tmp/")}
    assert after == {name: content for name, content in before.items() if not name.startswith("tmp/")}
    assert world.references() == references
    return done.err


def with_entry(world: World, value: str, form: str) -> None:
    world.commit("argocd", {"secrets/catalogue.user.yaml": _MINE.format(value=value, form=form)})


@pytest.mark.parametrize("verb", [("seal",), ("rotate", DASHBOARD), ("secret", "set", TOKEN), ("backup", "../x.age")])
def test_no_identity(pushed: World, verb: tuple[str, ...]) -> None:
    said = refused(pushed, *verb, stdin="a-token", code=4, FMC_IDENTITY=str(pushed.home / "none.txt"))
    assert "there is no identity at" in said
    assert "such as the recovery identity, in FMC_IDENTITY" in said


@pytest.mark.parametrize("verb", [("seal",), ("rotate", DASHBOARD), ("secret", "set", TOKEN), ("backup", "../x.age")])
def test_a_wrong_identity(pushed: World, verb: tuple[str, ...]) -> None:
    stranger = pushed.home / "stranger.txt"
    stranger.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    said = refused(pushed, *verb, stdin="a-token", code=4, FMC_IDENTITY=str(stranger))
    assert "stranger.txt opens the vault" in said
    assert "Name the identity that the vault was made with, or the recovery identity" in said


def test_one_recipient_only(pushed: World) -> None:
    recovery = pushed.identity.with_name("recovery-identity.txt")
    key = next(line for line in recovery.read_text().splitlines() if "public key: " in line).rpartition(" ")[2]
    said = refused(pushed, "vault", "recipients", "remove", key, code=4)
    assert "1 recipient, 2 are needed" in said
    assert "Add the public key of a recovery identity" in said


def test_an_expired_certificate(pushed: World) -> None:
    """It stops what would be sealed to it, and nothing else; the remedy leads out."""
    vault = open_vault(pushed.vault, pushed.identity, cluster=pushed.cluster)
    key = vault.sealing_keys[0]
    certificate = expired(key.certificate.encode(), key.private_key.reveal())
    save_vault(pushed.vault, replace(vault, sealing_keys=(replace(key, certificate=certificate),)))
    pushed.commit("argocd", {"secrets/sealing-cert.pem": certificate})
    assert pushed.fmc("seal", cwd=pushed.workspace).code == 0
    said = refused(pushed, "rotate", DASHBOARD)
    assert "the certificate of the sealing key sealed-secrets-key-1 ended on 2025-01-01" in said
    assert "`fmc keys rekey`" in said
    for verb in (("keys", "rekey"), ("keys", "rekey", "--loaded"), ("rotate", DASHBOARD)):
        done = pushed.fmc(*verb, cwd=pushed.workspace)
        assert done.code == 0, done.err


def expired(certificate: bytes, private_key: bytes) -> str:
    """Return a certificate of the same key that ended long ago."""
    there = x509.load_pem_x509_certificate(certificate)
    ended = datetime(2025, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder(there.issuer, there.subject, there.public_key(), there.serial_number)
        .not_valid_before(ended - timedelta(days=1))
        .not_valid_after(ended)
        .sign(serialization.load_pem_private_key(private_key, None), hashes.SHA256())  # type: ignore[arg-type]
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_a_catalogue_without_a_generator(pushed: World) -> None:
    with_entry(pushed, "{length: 32}", _BCRYPT)
    said = refused(pushed, "seal")
    assert "secrets/catalogue.user.yaml:5" in said
    assert "generator" in said
    assert "password" in said


@pytest.mark.parametrize("way", ["pipe", "variable"])
def test_a_secret_over_1_mib(pushed: World, way: str) -> None:
    large = "x" * ((1 << 20) + 1)
    if way == "pipe":
        said = refused(pushed, "secret", "set", TOKEN, stdin=large)
        assert "has 1048577 bytes, and Kubernetes takes 1048576 for a whole Secret" in said
    else:
        # The system lets no variable be larger than 128 KiB; nine of them are.
        names = [f"k{number}" for number in range(9)]
        values = ", ".join(f"{name}: {{generator: external, env: FMC_{name.upper()}}}" for name in names)
        data = ", ".join(f"{name}: {{from: {name}}}" for name in names)
        entry = f"  - namespace: hello-production\n    name: mine\n    values: {{{values}}}\n    data: {{{data}}}\n"
        pushed.commit("argocd", {"secrets/catalogue.user.yaml": f"version: 1\nsecrets:\n{entry}"})
        given = {f"FMC_{name.upper()}": "x" * 120_000 for name in names}
        assert pushed.fmc("seal", cwd=pushed.workspace, env=given).code == 0
        said = refused(pushed, "push", code=1)
        assert "distribute it over several Secrets" in said


@pytest.mark.parametrize("generator", ["{generator: external}", "{generator: password}"])
def test_nul_for_htpasswd(pushed: World, generator: str) -> None:
    """Programs in C would take what stands before it for the whole password."""
    with_entry(pushed, generator, _HTPASSWD)
    said = refused(pushed, "secret", "set", "hello-production/mine", stdin="a-long-password\0-and-its-end")
    assert "holds a line break or another character that can't be typed at a log-in" in said


@pytest.mark.parametrize("form", [_HTPASSWD, _BCRYPT])
def test_bcrypt_over_72_bytes(pushed: World, form: str) -> None:
    with_entry(pushed, "{generator: external}", form)
    said = refused(pushed, "secret", "set", "hello-production/mine", stdin="\N{SNOWMAN}" * 25)
    assert "longer than the 72 bytes that bcrypt covers" in said


def test_an_external_value_that_is_missing(pushed: World) -> None:
    said = refused(pushed, "rotate", TOKEN)
    assert "token of argocd/git-credentials is issued by somebody else, and no new one was given" in said
    assert "Then type it, pipe it into `fmc rotate argocd/git-credentials:token`" in said


def test_two_operators_at_once(pushed: World, tmp_path: Path) -> None:
    """The second one is told before anything of theirs is on the remote, and follows the remedy without loss."""
    other = pushed.copy(tmp_path / "other")
    other_vault = open_vault(other.vault, other.identity, cluster=other.cluster)
    assert pushed.fmc("rotate", DASHBOARD, cwd=pushed.workspace).code == 0
    # Both work on the same remotes.
    shared = replace_remotes(other, pushed)
    done = shared.fmc("rotate", DASHBOARD, cwd=shared.workspace)
    assert done.code == 3, done.all
    assert open_vault(pushed.vault, pushed.identity, cluster=pushed.cluster) != other_vault
    assert pushed.published() == pushed.local()


def replace_remotes(world: World, by: World) -> World:
    """Let a machine's remotes be those of another one."""
    remotes = world.folder / "remotes"
    for remote in remotes.iterdir():
        for path in sorted(remote.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        remote.rmdir()
        remote.symlink_to(by.remote(remote.stem))
    return world
