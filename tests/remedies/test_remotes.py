"""Remedies about servers and credentials, followed: what is advised is done, and then the remotes can be asked."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import shlex
import ssl
from functools import partial
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from generator.delivery.git.command import Output
from generator.delivery.git.failures import remote_error
from generator.delivery.remote.ready import remotes_ready
from generator.tools.git import environment
from tests.conftest import require_tool
from tests.delivery.gitserver import GitServer
from tests.delivery.sshserver import ssh_server
from tests.delivery.workspace import Workspace, git
from tests.remedies.walk import advice, commands, do

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "ghp_s3cr3t-T0ken"
# Of the kind that the server has: ssh would not look at another one.
OTHER_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@pytest.fixture
def server(lab: Workspace) -> Iterator[GitServer]:
    """Serve the remotes to who has the token."""
    with GitServer(lab.root / "remotes", token=TOKEN) as running:
        yield running


def at(lab: Workspace, base: str) -> None:
    """Let the remotes have other addresses, and the repositories know them."""
    lab.targets = [dataclasses.replace(target, url=f"{base}/{target.part}.git") for target in lab.targets]
    for target in lab.targets:
        git(target.path, "remote", "set-url", "origin", target.url)


@pytest.mark.parametrize("way", ["token", "helper"])
def test_credentials_that_are_refused(
    lab: Workspace, server: GitServer, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    at(lab, server.url)
    monkeypatch.setenv("FMC_GIT_USER", "ci")
    advice(lab.push, "Set FMC_GIT_TOKEN to a token that may write to the repository, or set up a credential helper")
    if way == "token":
        monkeypatch.setenv("FMC_GIT_TOKEN", TOKEN)
    else:
        git(lab.root, "config", "--global", "credential.helper", f"!printf 'username=ci\\npassword={TOKEN}\\n'; true")
    lab.push()
    assert lab.remote_heads() == lab.heads()


def test_a_token_that_no_header_can_carry(lab: Workspace, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    at(lab, server.url)
    monkeypatch.setenv("FMC_GIT_TOKEN", f"{TOKEN}\nand more")
    monkeypatch.setenv("FMC_GIT_USER", "ci:")
    advice(
        lab.push, "Set FMC_GIT_TOKEN to the token alone, without line breaks, and FMC_GIT_USER to the name of its owner"
    )
    monkeypatch.setenv("FMC_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("FMC_GIT_USER", "ci")
    lab.push()


def test_credentials_in_an_address(lab: Workspace, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    at(lab, server.url.replace("http://", f"http://ci:{TOKEN}@"))
    ready = partial(remotes_ready, lab.targets[:1])
    advice(ready, "Take them out of git_base_url; set FMC_GIT_TOKEN (and FMC_GIT_USER)")
    lab.targets = [dataclasses.replace(target, url=f"{server.url}/{target.part}.git") for target in lab.targets]
    monkeypatch.setenv("FMC_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("FMC_GIT_USER", "ci")
    remotes_ready(lab.targets[:1])


def test_a_server_that_is_away(lab: Workspace, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMC_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("FMC_GIT_USER", "ci")
    with GitServer(lab.root / "remotes") as other:
        away = other.url
    at(lab, away)
    advice(lab.push, "Check the address (git_base_url in the answers), the network and the proxy")
    at(lab, server.url)
    lab.push()


def test_a_server_with_another_address(lab: Workspace, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMC_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("FMC_GIT_USER", "ci")
    with GitServer(lab.root / "remotes", token=TOKEN) as final:
        server.moved_to = final.url
        at(lab, server.url)
        advice(lab.push, "Write the final address of the repositories as git_base_url in the answers")
        at(lab, final.url)
        lab.push()


def test_a_certificate_of_an_authority_of_ones_own(lab: Workspace, tmp_path: Path) -> None:
    key, certificate = tmp_path / "tls.key", tmp_path / "CA.pem"
    _self_signed(key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with GitServer(lab.root / "remotes", tls=context) as server:
        at(lab, server.url)
        (trust,) = set(commands(advice(lab.push, "Make git trust the certificate authority of the server")))
        do(trust.replace("CA.pem", shlex.quote(str(certificate))), lab.root)
        lab.push()


def _self_signed(key_file: Path, certificate_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "git")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.mark.parametrize("state", ["unknown", "changed"])
def test_a_host_key_that_is_not_known(
    lab: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """The command that was advised asked the usual port, and left a changed key where it was."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    known = home / ".ssh" / "known_hosts"
    with ssh_server(require_tool("sshd"), tmp_path / "keys") as (base, command):
        host = (tmp_path / "keys" / "known_hosts").read_text()
        known.write_text(host.replace(host.split(" ")[2], OTHER_KEY) if state == "changed" else "")
        ssh = command.replace(f"{tmp_path}/keys/known_hosts", str(known)).replace(
            "-o BatchMode", "-o HashKnownHosts=no -o BatchMode"
        )
        monkeypatch.setenv("GIT_SSH_COMMAND", ssh)
        # git quotes nothing of a path in an address of this form.
        served = tmp_path / "served"
        served.symlink_to(lab.root / "remotes")
        at(lab, f"{base}{served}")
        ready = partial(remotes_ready, lab.targets[:1])
        said = advice(ready, "forget the old one" if state == "changed" else "Compare the key's fingerprint")
        for step in commands(said):
            # ssh and its programs take the home of the account, whatever the environment says.
            do(step.replace("ssh-keygen -R", f"ssh-keygen -f {known} -R"), lab.root, HOME=str(home))
        ready()


@pytest.mark.parametrize(
    ("url", "scanned"),
    [
        ("git@git.example.com:home/infra.git", "git.example.com"),
        ("ssh://git@git.example.com/home/infra.git", "git.example.com"),
        ("ssh://git@git.example.com:22/home/infra.git", "git.example.com"),
        ("ssh://git@git.example.com:2222/home/infra.git", "-p 2222 git.example.com"),
    ],
)
def test_the_host_key_of_each_form_of_address(url: str, scanned: str) -> None:
    fix = remote_error(url, Output(128, b"", "Host key verification failed.")).fix or ""
    assert f"`ssh-keyscan -t ed25519 {scanned} >> ~/.ssh/known_hosts`" in fix


def test_a_remote_of_another_user(lab: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    # What git's own tests set, for want of a second user (t0033-safe-directory.sh).
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    ready = partial(remotes_ready, lab.targets[:1])
    do(commands(advice(ready, "Trust it with"))[0], lab.root)
    ready()


def test_a_repository_of_another_user(lab: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from generator.delivery.local.outgoing import outgoing_blobs

    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    def read() -> list[object]:
        return list(outgoing_blobs(lab.target("apps").path, None))

    do(commands(advice(read, "Give the folder to your user, or trust it"))[0], lab.root)
    assert read()


def test_a_count_of_settings_that_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "many")
    advice(environment, "Correct or unset GIT_CONFIG_COUNT")
    monkeypatch.delenv("GIT_CONFIG_COUNT")
    assert environment()["GIT_CONFIG_COUNT"]
