"""Identities: where they are looked for, how they are made, and that none is ever replaced."""

from __future__ import annotations

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyrage
import pytest

from generator.errors import VaultError
from generator.files import write_new
from generator.secrets.vault.identities import Identities, identity_path, read_identities, recipients_for_new_vault
from generator.workspace import Workspace


@pytest.mark.parametrize(
    ("argument", "environment", "expected"),
    [
        (Path("/a/b"), {"FMC_IDENTITY": "/c"}, "/a/b"),
        (None, {"FMC_IDENTITY": "/c", "XDG_CONFIG_HOME": "/x"}, "/c"),
        (None, {"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/fmc/identity.txt"),
        (None, {"HOME": "/h"}, "/h/.config/fmc/identity.txt"),
        (None, {"FMC_IDENTITY": "", "XDG_CONFIG_HOME": "", "HOME": "/h"}, "/h/.config/fmc/identity.txt"),
    ],
)
def test_the_place_is_argument_variable_or_configuration(
    argument: Path | None, environment: dict[str, str], expected: str
) -> None:
    assert identity_path(argument, environment) == Path(expected)


def test_new_identities_are_private_and_in_age_keygens_format(tmp_path: Path) -> None:
    path = tmp_path / "fmc" / "identity.txt"
    recipients = recipients_for_new_vault(Identities(path))
    recovery = tmp_path / "fmc" / "recovery-identity.txt"
    assert (recipients.created, recipients.recovery) == (path, recovery)
    for file, public_key in zip((path, recovery), recipients.public_keys, strict=True):
        created, public, secret = file.read_text().splitlines()
        assert re.fullmatch(r"# created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", created)
        assert public == f"# public key: {public_key}"
        assert str(pyrage.x25519.Identity.from_str(secret).to_public()) == public_key
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(tmp_path.rglob("*.txt")) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_existing_identities_are_used_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "identity.txt"
    first = recipients_for_new_vault(Identities(path))
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    second = recipients_for_new_vault(Identities(path))
    assert second.public_keys == first.public_keys
    assert second.created is None
    assert second.recovery == first.recovery
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_further_recipient_makes_a_recovery_identity_needless(tmp_path: Path) -> None:
    team = str(pyrage.x25519.Identity.generate().to_public())
    recipients = recipients_for_new_vault(Identities(tmp_path / "identity.txt", (team,)))
    assert recipients.public_keys[1:] == (team,)
    assert recipients.recovery is None
    assert [file.name for file in tmp_path.iterdir()] == ["identity.txt"]


def test_the_operators_own_key_does_not_count_twice(tmp_path: Path) -> None:
    own = recipients_for_new_vault(Identities(tmp_path / "identity.txt")).public_keys[0]
    assert recipients_for_new_vault(Identities(tmp_path / "identity.txt", (own,))).recovery is not None


@pytest.mark.parametrize(
    "content", [b"", b"# only a comment\n", b"AGE-SECRET-KEY-1HUNTER2\n", b"hunter2\n", b"\xff\xfe"]
)
def test_what_is_no_identity_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "identity.txt"
    path.write_bytes(content)
    with pytest.raises(VaultError, match="no age identity file") as caught:
        recipients_for_new_vault(Identities(path))
    assert path.read_bytes() == content
    assert "hunter2" not in str(caught.value).lower()


def test_an_identity_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"can't read .*: Is a directory; it is the identity"):
        read_identities(tmp_path)


def test_a_file_with_several_identities_is_read(tmp_path: Path) -> None:
    path = tmp_path / "identity.txt"
    path.write_text("".join(f"# one\n{pyrage.x25519.Identity.generate()}\n\n" for _ in range(2)))
    assert len(read_identities(path)) == 2


def test_an_identity_may_come_through_a_pipe(tmp_path: Path) -> None:
    """`FMC_IDENTITY=<(pass show age)`. Without a writer fmc waited for ever (faults E19)."""
    path = tmp_path / "identity.fifo"
    os.mkfifo(path)
    identity = str(pyrage.x25519.Identity.generate())
    with ThreadPoolExecutor(1) as pool:
        pool.submit(path.write_text, identity)
        assert [str(one) for one in read_identities(path)] == [identity]


def test_a_new_file_never_replaces_another_one(tmp_path: Path) -> None:
    path = tmp_path / "identity.txt"
    assert write_new(path, b"first")
    assert not write_new(path, b"second")
    assert path.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["identity.txt"]


def test_a_new_file_is_written_into_a_folder_that_is_locked_already(tmp_path: Path) -> None:
    """An identity in the workspace itself: fmc waited for its own lock for ever."""
    with Workspace(tmp_path).locked():
        assert write_new(tmp_path / "identity.txt", b"first")


def test_of_many_writers_of_a_new_file_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "identity.txt"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: write_new(path, b"%d" % number), range(200)))
    assert [path.read_bytes()] == [b"%d" % number for number, one in enumerate(made) if one]
    assert [file.name for file in tmp_path.iterdir()] == ["identity.txt"]
