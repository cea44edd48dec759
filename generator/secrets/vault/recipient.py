"""A public key that the vault is encrypted to: age's own kind (X25519), or one of SSH (Ed25519)."""

from __future__ import annotations

from typing import Any

import pyrage

from generator.errors import VaultError

_SSH = "ssh-ed25519"
_KIND_AND_KEY = 2  # words of a public key that count; the third is a comment


def normalized(public_key: str, where: str) -> str:
    """Return a public key as the vault keeps it: without a comment, and one that age takes.

    Args:
        public_key: What a person gave.
        where: The vault, for the message.

    Raises:
        VaultError: It is none.
    """
    words = public_key.split()
    key = " ".join(words[:_KIND_AND_KEY] if words[:1] == [_SSH] else words)
    recipient(key, where)
    return key


def recipient(public_key: str, where: str) -> Any:
    """Return what pyrage encrypts to.

    Args:
        public_key: The public key.
        where: The vault, for the message.

    Raises:
        VaultError: It is none.
    """
    try:
        if public_key.startswith(f"{_SSH} "):
            return pyrage.ssh.Recipient.from_str(public_key)
        return pyrage.x25519.Recipient.from_str(public_key)
    except pyrage.RecipientError:
        raise VaultError(
            f"the recipient {public_key} is no age public key",
            where=where,
            fix="Give the public key that age-keygen printed; it begins with age1. One of SSH begins with ssh-ed25519.",
        ) from None
