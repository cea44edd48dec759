"""Keyed fingerprints: they say "the same as before" to whoever holds the vault, and nothing to anybody else.

An unkeyed hash in Git would be an offline dictionary. These are HMAC-SHA-256 under the vault's own key, cut to 128
bits, and bound to their use and place, so that even two equal values have different fingerprints.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.secrets.vault.plaintext import Plaintext

SEALED = b"fmc sealed value v2"
DERIVED = b"fmc derived value v1"
REVISION = b"fmc revision v1"
_BYTES = 16


def fingerprint(key: Plaintext, domain: bytes, *parts: bytes) -> str:
    """Return the fingerprint of some bytes.

    Args:
        key: The vault's fingerprint key.
        domain: What it is for, `SEALED`, `DERIVED` or `REVISION`: one use says nothing about the other.
        parts: What is covered, in order; each is prefixed by its length, so borders can't be shifted.

    Returns:
        22 characters of URL-safe base64.
    """
    mac = hmac.new(key.reveal(), digestmod=hashlib.sha256)
    for part in (domain, *parts):
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return base64.urlsafe_b64encode(mac.digest()[:_BYTES]).decode().rstrip("=")
