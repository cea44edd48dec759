"""`fmc keys vpn`: what a peer needs, out of the vault and the plan."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import segno

from generator.secrets.making.wireguard import public_half
from tests.pipeline.world import FMC, World

if TYPE_CHECKING:
    from pathlib import Path

VPN = {
    "endpoint": "vpn.example.com",
    "port": 4501,
    "peers": {"laptop": {"address": "10.99.0.2"}, "phone": {"address": "10.99.0.3"}},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("vpn")).make()
    done = world.new("--set", f"vpn={json.dumps(VPN)}")
    assert done.code == 0, done.all
    return world


def shown(world: World, *arguments: str) -> str:
    """What is printed into a pipe; not by `World.fmc`, which looks for secrets in the output."""
    done = world.run(str(FMC), *arguments, cwd=world.workspace)
    assert done.code == 0, done.all
    return done.out


def test_a_peer_gets_its_key_the_server_and_the_networks_of_the_plan(world: World) -> None:
    private = shown(world, "secret", "show", "machines/vpn", "peer-laptop").strip()
    server = shown(world, "secret", "show", "machines/vpn", "server", "--public").strip()
    assert shown(world, "keys", "vpn", "laptop") == (
        f"[Interface]\nPrivateKey = {private}\nAddress = 10.99.0.2/32\n"
        "DNS = 10.17.3.11, 10.17.3.12, home.example.com\n\n"
        f"[Peer]\nPublicKey = {server}\nEndpoint = vpn.example.com:4501\n"
        "AllowedIPs = 10.17.5.0/24, 10.17.3.0/24, 10.17.4.0/24, 10.99.0.0/24\nPersistentKeepalive = 25\n"
    )
    assert public_half(shown(world, "secret", "show", "machines/vpn", "server").strip().encode()) == server
    assert shown(world, "keys", "vpn", "phone") != shown(world, "keys", "vpn", "laptop")


def test_the_qr_code_is_the_same_text(world: World) -> None:
    text = shown(world, "keys", "vpn", "phone")
    halves = {"\u2588": (0, 0), "\u2580": (0, 1), "\u2584": (1, 0), " ": (1, 1)}
    lines = shown(world, "keys", "vpn", "phone", "--qr").splitlines()
    rows = [tuple(halves[letter][half] for letter in line) for line in lines for half in (0, 1)]
    wanted = [tuple(row) for row in segno.make_qr(text, error="l").matrix_iter(border=4)]
    # The last line is half empty where the number of rows is odd.
    assert rows[: len(wanted)] == wanted
    assert len(rows) - len(wanted) in (0, 1)


def test_a_file_that_it_goes_to_is_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    file = tmp_path / "laptop.conf"
    file.touch(mode=0o644)
    done = world.run("sh", "-c", f"{FMC} keys vpn laptop > {file}", cwd=world.workspace)
    assert (done.code, file.stat().st_mode & 0o777) == (0, 0o600)


def test_nothing_of_it_lies_in_a_repository(world: World) -> None:
    assert world.fmc("check", cwd=world.workspace).code == 0
    values = ("server", "peer-laptop", "peer-phone")
    secrets = {shown(world, "secret", "show", "machines/vpn", value).strip() for value in values}
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{43}=", secret) for secret in secrets)
    texts = [text for part in world.local().values() for text in part.values()]
    assert not [secret for secret in secrets if any(secret.encode() in text for text in texts)]


def test_a_peer_that_is_misspelt_is_named_with_the_one_that_was_meant(world: World) -> None:
    done = world.fmc("keys", "vpn", "laptpo", cwd=world.workspace)
    assert (done.code, "the answer vpn has no peer laptpo" in done.err) == (2, True), done.err
    assert "laptop" in done.err
    assert shown(world, "keys", "vpn", "laptop")


def test_a_cluster_without_vpn_gets_one_as_the_message_says(tmp_path: Path) -> None:
    world = World(tmp_path / "without").make()
    assert world.new().code == 0
    done = world.fmc("keys", "vpn", "laptop", cwd=world.workspace)
    assert (done.code, "this cluster has no VPN" in done.err) == (2, True), done.err
    answers = world.workspace / "answers.yaml"
    answers.write_text(f"{answers.read_text()}vpn: {json.dumps(VPN)}\n")
    assert world.fmc("new", "--yes", cwd=world.workspace).code == 0
    assert "Endpoint = vpn.example.com:4501\n" in shown(world, "keys", "vpn", "laptop")
