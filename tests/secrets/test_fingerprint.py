"""Keyed fingerprints: same input, same text; anything else, another one."""

from __future__ import annotations

import re

from generator.secrets.vault.fingerprint import DERIVED, SEALED, fingerprint
from generator.secrets.vault.plaintext import Plaintext

KEY = Plaintext(bytes(range(32)))


def test_the_same_input_gives_the_same_128_bits() -> None:
    first = fingerprint(KEY, SEALED, b"ns", b"name", b"key", b"value")
    assert first == fingerprint(KEY, SEALED, b"ns", b"name", b"key", b"value")
    assert re.fullmatch(r"[-_A-Za-z0-9]{22}", first)


def test_key_domain_place_and_value_all_count() -> None:
    inputs = [
        (KEY, SEALED, b"ns", b"name", b"key", b"value"),
        (Plaintext(bytes(32)), SEALED, b"ns", b"name", b"key", b"value"),
        (KEY, DERIVED, b"ns", b"name", b"key", b"value"),
        (KEY, SEALED, b"ns2", b"name", b"key", b"value"),
        (KEY, SEALED, b"ns", b"name2", b"key", b"value"),
        (KEY, SEALED, b"ns", b"name", b"key2", b"value"),
        (KEY, SEALED, b"ns", b"name", b"key", b"value2"),
    ]
    assert len({fingerprint(key, domain, *parts) for key, domain, *parts in inputs}) == len(inputs)


def test_borders_between_the_parts_can_not_be_shifted() -> None:
    assert fingerprint(KEY, SEALED, b"ab", b"c") != fingerprint(KEY, SEALED, b"a", b"bc")
