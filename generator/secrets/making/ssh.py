"""Ed25519 key pairs for SSH, and the public half that a private one in OpenSSH's format holds."""

from __future__ import annotations

import base64
import binascii

_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_END = b"-----END OPENSSH PRIVATE KEY-----"
# PROTOCOL.key of OpenSSH: this word, then length-prefixed strings: cipher, key derivation, its options; a number of
# keys, and the public half of each. All of that is in the clear, with a passphrase and without.
_MAGIC = b"openssh-key-v1\x00"
_LENGTH = 4
_BEFORE_THE_KEYS = 3


def key_pair(comment: str, passphrase: bytes = b"") -> tuple[bytes, str]:
    """Make an Ed25519 key pair.

    Args:
        comment: What stands behind the public half.
        passphrase: What the private half is encrypted with; empty for none.

    Returns:
        The private half in OpenSSH's format, and the public one as a line of authorized_keys, without its end.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
    return private, f"{public} {comment}".rstrip()


def public_half(private: bytes) -> str:
    """Return the public half of a private key, as a line of authorized_keys without a comment.

    Args:
        private: A file in OpenSSH's format; no passphrase is needed for this.

    Raises:
        ValueError: It is none.
    """
    _, begin, rest = private.partition(_BEGIN)
    armoured, end, _ = rest.partition(_END)
    if not begin or not end:
        raise ValueError("no private key in OpenSSH's format")
    try:
        content = base64.b64decode(b"".join(armoured.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("the key is damaged") from error
    if not content.startswith(_MAGIC):
        raise ValueError("the key is damaged")
    offset = len(_MAGIC)
    for _ in range(_BEFORE_THE_KEYS):
        _, offset = _string(content, offset)
    blob, _ = _string(content, offset + _LENGTH)
    kind, _ = _string(blob, 0)
    try:
        return f"{kind.decode('ascii')} {base64.b64encode(blob).decode()}"
    except UnicodeDecodeError as error:
        raise ValueError("the key is damaged") from error


def _string(content: bytes, offset: int) -> tuple[bytes, int]:
    """Return the length-prefixed string that begins at an offset, and the offset behind it."""
    start = offset + _LENGTH
    end = start + int.from_bytes(content[offset:start], "big")
    if end > len(content) or start > len(content):
        raise ValueError("the key is damaged")
    return content[start:end], end
