"""Secrets that can't be used: each is refused by the command itself, with its remedy, and nothing is written."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyrage
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
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


def test_no_identity_or_a_wrong_one(pushed: World) -> None:
    stranger = pushed.home / "stranger.txt"
    stranger.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    for verb in (("seal",), ("rotate", DASHBOARD), ("secret", "set", TOKEN), ("backup", "../x.age")):
        said = refused(pushed, *verb, stdin="a-token", code=4, FMC_IDENTITY=str(pushed.home / "none.txt"))
        assert "there is no identity at" in said
        assert "such as the recovery identity, in FMC_IDENTITY" in said
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
    assert "[secrets/certificate-ends]" in pushed.fmc("status", cwd=pushed.workspace).err
    said = refused(pushed, "rotate", DASHBOARD)
    assert "the certificate of the sealing key sealed-secrets-key-1 ended on 2025-01-01" in said
    assert "`fmc keys rekey`" in said
    for verb in (("keys", "rekey"), ("keys", "rekey", "--loaded"), ("rotate", DASHBOARD)):
        done = pushed.fmc(*verb, cwd=pushed.workspace)
        assert done.code == 0, done.err
    assert "certificate-ends" not in pushed.fmc("status", cwd=pushed.workspace).err


def expired(certificate: bytes, private_key: bytes) -> str:
    """Return a certificate of the same key that ended long ago."""
    there = x509.load_pem_x509_certificate(certificate)
    ended = datetime(2025, 1, 1, tzinfo=UTC)
    key = serialization.load_pem_private_key(private_key, None)
    assert isinstance(key, RSAPrivateKey)
    made = (
        x509.CertificateBuilder(there.issuer, there.subject, there.public_key(), there.serial_number)
        .not_valid_before(ended - timedelta(days=1))
        .not_valid_after(ended)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_a_catalogue_without_a_generator(pushed: World) -> None:
    with_entry(pushed, "{length: 32}", _BCRYPT)
    said = refused(pushed, "seal")
    assert "secrets/catalogue.user.yaml:5: error: generator is missing [catalogue/missing]" in said
    assert "Correct the catalogue as said above" in said


def test_a_secret_over_1_mib(pushed: World) -> None:
    said = refused(pushed, "secret", "set", TOKEN, stdin="x" * ((1 << 20) + 1))
    assert "has 1048577 bytes, and Kubernetes takes 1048576 for a whole Secret" in said


def test_nul_for_htpasswd_and_bcrypt_over_72_bytes(pushed: World) -> None:
    """Programs in C would take what stands before it for the whole password, and bcrypt what stands before the 73rd."""
    mine = ("secret", "set", "hello-production/mine")
    for generator in ("{generator: external}", "{generator: password}"):
        with_entry(pushed, generator, _HTPASSWD)
        said = refused(pushed, *mine, stdin="a-long-password\0-and-its-end")
        assert "holds a line break or another character that can't be typed at a log-in" in said
    for form in (_HTPASSWD, _BCRYPT):
        with_entry(pushed, "{generator: external}", form)
        assert "longer than the 72 bytes that bcrypt covers" in refused(pushed, *mine, stdin="\N{SNOWMAN}" * 25)


def test_an_external_value_that_is_missing(pushed: World) -> None:
    said = refused(pushed, "rotate", TOKEN)
    assert "token of argocd/git-credentials is issued by somebody else, and no new one was given" in said
    assert "Then type it, pipe it into `fmc rotate argocd/git-credentials:token`" in said


def test_two_operators_at_once(pushed: World, tmp_path: Path) -> None:
    """The second one is told before anything of theirs is on a remote."""
    other = pushed.copy(tmp_path / "other")
    assert pushed.fmc("rotate", DASHBOARD, cwd=pushed.workspace).code == 0
    shutil.rmtree(other.folder / "remotes")
    (other.folder / "remotes").symlink_to(pushed.folder / "remotes")
    done = other.fmc("rotate", DASHBOARD, cwd=other.workspace)
    assert done.code == 3, done.all
    assert "moved on" in done.err
    assert pushed.published() == pushed.local()
