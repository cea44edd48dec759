"""Sealing: round trips, the binding to a place, the structure of a sealed value."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.errors import VaultError
from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.crypto import Sealer, load_private_keys, split, unseal
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from generator.secrets.vault.keys import SealingKey

LABEL = Scope.STRICT.label("argocd", "repo-main")
_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_SETTINGS
@given(content=st.binary(max_size=4096), label=st.binary(max_size=120))
def test_any_bytes_come_back_under_any_label(sealing_key: SealingKey, content: bytes, label: bytes) -> None:
    sealed = Sealer(sealing_key.certificate.encode()).seal(Plaintext(content), label)
    assert unseal(load_private_keys([sealing_key.private_key]), sealed, label).reveal() == content


@pytest.mark.parametrize("content", [b"", bytes(1 << 20), bytes(range(256))], ids=["empty", "1 MiB", "binary"])
def test_sizes_at_the_edges_come_back(sealing_key: SealingKey, content: bytes) -> None:
    sealed = Sealer(sealing_key.certificate.encode()).seal(Plaintext(content), LABEL)
    assert unseal(load_private_keys([sealing_key.private_key]), sealed, LABEL).reveal() == content


@pytest.mark.parametrize("wrong", [b"argocd/repo-other", b"other/repo-main", b"argocd", b""])
def test_another_label_is_refused(sealing_key: SealingKey, wrong: bytes) -> None:
    sealed = Sealer(sealing_key.certificate.encode()).seal(Plaintext(b"hunter2"), LABEL)
    with pytest.raises(VaultError, match="for another name"):
        unseal(load_private_keys([sealing_key.private_key]), sealed, wrong)


def test_another_key_is_refused_and_the_right_one_among_several_is_found(
    sealing_key: SealingKey, other_key: SealingKey
) -> None:
    sealed = Sealer(sealing_key.certificate.encode()).seal(Plaintext(b"hunter2"), LABEL)
    with pytest.raises(VaultError):
        unseal(load_private_keys([other_key.private_key]), sealed, LABEL)
    both = load_private_keys([other_key.private_key, sealing_key.private_key])
    assert unseal(both, sealed, LABEL).reveal() == b"hunter2"


def test_sealing_twice_gives_different_text(sealing_key: SealingKey) -> None:
    sealer = Sealer(sealing_key.certificate.encode())
    assert sealer.seal(Plaintext(b"x"), LABEL) != sealer.seal(Plaintext(b"x"), LABEL)


def test_every_changed_byte_is_noticed(sealing_key: SealingKey) -> None:
    keys = load_private_keys([sealing_key.private_key])
    raw = base64.b64decode(Sealer(sealing_key.certificate.encode()).seal(Plaintext(b"hunter2"), LABEL))
    for position in (0, 1, 2, 100, 257, 258, len(raw) - 1):
        damaged = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        with pytest.raises(VaultError):
            unseal(keys, base64.b64encode(damaged).decode(), LABEL)


def test_the_structure_is_length_wrapped_key_body(sealing_key: SealingKey) -> None:
    wrapped, body = split(Sealer(sealing_key.certificate.encode()).seal(Plaintext(b"12345"), LABEL))
    assert (len(wrapped), len(body)) == (256, 5 + 16)


@pytest.mark.parametrize(
    ("sealed", "reason"),
    [
        ("AgB\n", "not base64"),
        ("Ag!=", "not base64"),
        ("", "0 bytes"),
        ("AgAA", "3 bytes, at least 530"),
        ("A", "base64"),
    ],
)
def test_what_has_not_that_structure_is_named(sealed: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        split(sealed)


def test_scopes_bind_to_name_namespace_or_nothing() -> None:
    assert Scope.STRICT.label("ns", "name") == b"ns/name"
    assert Scope.NAMESPACE_WIDE.label("ns", "name") == b"ns"
    assert Scope.CLUSTER_WIDE.label("ns", "name") == b""
