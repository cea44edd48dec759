"""The operator's SSH key: made once, private, and never overwritten."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from generator.errors import BadInputError
from generator.pipeline.keys import ssh_key_file
from generator.secrets.making.ssh import public_half
from generator.secrets.operator_key import make_or_find
from tests.conftest import require_tool
from tests.remedies.walk import advice, commands, do

if TYPE_CHECKING:
    from pathlib import Path

COMMENT = "fmc-home"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "my keys" / "id_ed25519_home"


def test_a_new_key_is_private_and_its_halves_belong_together(place: Path) -> None:
    key = make_or_find(place, COMMENT, b"")
    private = serialization.load_ssh_private_key(place.read_bytes(), None)
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    assert private.public_key() == serialization.load_ssh_public_key(key.public.encode())
    assert (key.made, key.is_open, key.public.split()[2]) == (True, False, COMMENT)
    modes = [path.stat().st_mode & 0o777 for path in (place.parent, place, place.with_name(f"{place.name}.pub"))]
    assert modes == [0o700, 0o600, 0o644]
    assert place.with_name(f"{place.name}.pub").read_text() == f"{key.public}\n"
    assert sorted(path.name for path in place.parent.iterdir()) == [place.name, f"{place.name}.pub"]


def test_a_key_that_is_there_stays_and_is_shown(place: Path) -> None:
    """S5: the script that this replaces deletes an existing key."""
    first = make_or_find(place, COMMENT, b"")
    before = place.read_bytes()
    again = make_or_find(place, "another comment", b"another passphrase")
    assert (again.made, again.public) == (False, first.public)
    assert place.read_bytes() == before


@pytest.mark.parametrize("passphrase", [b"", b"correct horse"])
def test_a_lost_public_half_comes_from_the_private_one(place: Path, passphrase: bytes) -> None:
    """No passphrase is needed for it: OpenSSH's format holds it in the clear."""
    first = make_or_find(place, COMMENT, passphrase)
    place.with_name(f"{place.name}.pub").unlink()
    again = make_or_find(place, COMMENT, b"")
    assert (again.made, again.public) == (False, first.public)
    assert place.with_name(f"{place.name}.pub").read_text() == f"{first.public}\n"


def test_a_passphrase_encrypts_the_private_half(place: Path) -> None:
    key = make_or_find(place, COMMENT, b"correct horse")
    opened = serialization.load_ssh_private_key(place.read_bytes(), b"correct horse")
    assert opened.public_key() == serialization.load_ssh_public_key(key.public.encode())
    with pytest.raises(TypeError, match="password"):
        serialization.load_ssh_private_key(place.read_bytes(), None)


def test_a_key_of_another_kind_is_shown_as_well(place: Path) -> None:
    other = rsa.generate_private_key(65537, 3072)
    content = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    place.parent.mkdir()
    place.write_bytes(content)
    place.chmod(0o640)
    found = make_or_find(place, COMMENT, b"")
    assert other.public_key() == serialization.load_ssh_public_key(found.public.encode())
    assert (found.is_open, place.read_bytes()) == (True, content)


def test_openssh_reads_what_is_made_and_what_is_shown_is_what_it_shows(place: Path) -> None:
    keygen = require_tool("ssh-keygen")
    key = make_or_find(place, COMMENT, b"")
    shown = subprocess.run([keygen, "-y", "-f", str(place)], capture_output=True, text=True, check=True, timeout=30)
    assert shown.stdout.split()[:2] == key.public.split()[:2]


@pytest.mark.parametrize("cut", range(0, 380, 38))
def test_what_is_cut_is_no_key(place: Path, cut: int) -> None:
    make_or_find(place, COMMENT, b"")
    whole = place.read_bytes()
    with pytest.raises(ValueError, match="key"):
        public_half(whole[:cut])


@pytest.mark.parametrize("other", ["text", "folder", "pem"])
def test_something_else_in_the_place_is_left_there(place: Path, other: str) -> None:
    place.parent.mkdir()
    if other == "folder":
        place.mkdir()
    else:
        place.write_text("Host *\n" if other == "text" else "-----BEGIN PRIVATE KEY-----\nAAAA\n")
    attempt = partial(make_or_find, place, COMMENT, b"")
    assert commands(advice(attempt, "Name another place")) == ["fmc keys ssh --file FILE"]
    assert not place.with_name(f"{place.name}.pub").exists()
    assert make_or_find(place.with_name("elsewhere"), COMMENT, b"").made


@pytest.mark.parametrize("there", ["alone", "of another key"])
def test_a_public_half_of_another_key_is_not_taken_for_this_one(place: Path, there: str) -> None:
    if there == "of another key":
        make_or_find(place, COMMENT, b"")
    place.parent.mkdir(exist_ok=True)
    beside = place.with_name(f"{place.name}.pub")
    beside.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQ7 somebody\n")
    attempt = partial(make_or_find, place, COMMENT, b"")
    (move,) = commands(advice(attempt, "ove "))
    do(move, place.parent)
    assert make_or_find(place, COMMENT, b"").public == beside.read_text().strip()


def test_a_link_to_nowhere_gets_no_key(place: Path) -> None:
    place.parent.mkdir()
    place.symlink_to(place.with_name("nowhere"))
    with pytest.raises(BadInputError, match="No such file"):
        make_or_find(place, COMMENT, b"")
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_where_the_key_of_a_cluster_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ssh_key_file("home", tmp_path) == (tmp_path / ".ssh/id_ed25519_home", "home")
    assert commands(advice(partial(ssh_key_file, None, tmp_path), "Name it")) == ["fmc keys ssh --cluster lab"]
    advice(partial(ssh_key_file, "../config", tmp_path), "Name it")
