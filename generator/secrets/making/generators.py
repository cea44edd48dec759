"""Making plaintexts: passwords, tokens, key pairs, and what the user supplies. Certificates are `authority`'s."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import Generator
from generator.secrets.making import ssh
from generator.secrets.vault.model import ValueRecord
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from datetime import datetime

# No quoting (YAML, shell, URL, htpasswd) has to touch a password, and YAML 1.1 can't take it for a number: those begin
# with a digit, a sign or a dot, and hold no letter but e where they are decimal (1e3 was read as 1000 by kubeseal).
_ALPHABET = string.ascii_letters + string.digits + "-_"
_FIRST = "".join(letter for letter in string.ascii_letters if letter not in "eE")


def password(length: int, now: datetime) -> ValueRecord:
    """Make a password.

    Args:
        length: Characters; 32 of them are 191 bits.
        now: The present, UTC, whole seconds.
    """
    text = secrets.choice(_FIRST) + "".join(secrets.choice(_ALPHABET) for _ in range(length - 1))
    return ValueRecord(generator=Generator.PASSWORD, created=now, secret=Plaintext(text.encode()))


def token(now: datetime) -> ValueRecord:
    """Make a token between programs: 256 bits as hex digits, which no program takes for a format of its own.

    K3s, for one, reads what begins with `K10` as a token with the digest of an authority in it.

    Args:
        now: The present, UTC, whole seconds.
    """
    return ValueRecord(generator=Generator.TOKEN, created=now, secret=Plaintext(secrets.token_hex(32).encode()))


def ssh_key(comment: str, now: datetime) -> ValueRecord:
    """Make an Ed25519 key pair: private half in OpenSSH's format, public half as a line of authorized_keys."""
    private, public = ssh.key_pair(comment)
    return ValueRecord(generator=Generator.SSH_KEY, created=now, secret=Plaintext(private), public={"public": public})


def wireguard_key(now: datetime) -> ValueRecord:
    """Make a key pair of WireGuard, both halves as `wg` writes them."""
    from generator.secrets.making import wireguard

    private, public = wireguard.key_pair()
    return ValueRecord(
        generator=Generator.WIREGUARD_KEY, created=now, secret=Plaintext(private), public={"public": public}
    )


def external(content: bytes, now: datetime) -> ValueRecord:
    """Take what the user supplied."""
    return ValueRecord(generator=Generator.EXTERNAL, created=now, secret=Plaintext(content))
