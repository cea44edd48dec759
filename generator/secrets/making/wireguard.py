"""Key pairs of WireGuard, in the form that `wg genkey` and `wg pubkey` print."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_BYTES = 32


def key_pair() -> tuple[bytes, str]:
    """Make a key pair.

    Returns:
        The private half and the public one.
    """
    private = bytearray(X25519PrivateKey.generate().private_bytes_raw())
    # As curve25519 reads every key (RFC 7748, 5); `wg genkey` writes them so, and `wg show` tells them so.
    private[0] &= 248
    private[-1] = private[-1] & 127 | 64
    encoded = base64.b64encode(private)
    return encoded, public_half(encoded)


def public_half(private: bytes) -> str:
    """Return the public half of a private key.

    Raises:
        ValueError: It is none.
    """
    raw = base64.b64decode(private, validate=True)
    if len(raw) != _BYTES:
        raise ValueError("no private key of WireGuard")
    return base64.b64encode(X25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw()).decode()
