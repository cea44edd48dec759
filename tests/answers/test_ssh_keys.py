"""Ed25519 keys are recognized without the library, which has the last word on all others."""

from __future__ import annotations

import base64

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from hypothesis import given
from hypothesis import strategies as st

from generator.answers.ssh_keys import is_ed25519, ssh_public_key_fault

_BEGIN = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"


def line(blob: bytes, comment: str = "") -> str:
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}{comment}"


def parses(key: str) -> bool:
    try:
        load_ssh_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["", " a@b", " two words"]))
def test_any_whole_key_is_recognized(key: bytes, comment: str) -> None:
    text = line(_BEGIN + key, comment)
    assert is_ed25519(text)
    assert parses(text)
    assert ssh_public_key_fault(text) == ("", "")


@given(st.binary(max_size=80), st.integers(0, 60), st.sampled_from(["ssh-ed25519 ", "ssh-rsa ", "", "ssh-ed25519"]))
def test_what_is_recognized_is_what_the_library_reads(tail: bytes, cut: int, kind: str) -> None:
    text = kind + line((_BEGIN + tail)[:cut]).partition(" ")[2]
    assert parses(text) or not is_ed25519(text)


@pytest.mark.parametrize("damage", [lambda key: key[:-1], lambda key: key.replace(" ", "\n"), lambda key: f" {key}"])
def test_a_damaged_key_is_a_fault(damage: object) -> None:
    assert callable(damage)
    message, remedy = ssh_public_key_fault(damage(line(_BEGIN + bytes(32))))
    assert "does not parse" in message
    assert "ssh-keygen" in remedy
