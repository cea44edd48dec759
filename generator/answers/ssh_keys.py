"""Whether a line is an SSH public key that is good enough to be the way into machines."""

from __future__ import annotations

import base64

# NIST SP 800-57 part 1, table 2: 3072 bits for 128 bits of strength.
_MIN_RSA_BITS = 3072
# RFC 8709, section 4: the name of the kind and 32 bytes, each after its length.
_ED25519_BEGIN, _ED25519_BYTES = b"\0\0\0\x0bssh-ed25519\0\0\0\x20", 32
_REMEDY = "Make a key with `ssh-keygen -t ed25519` and give the content of the file that ends in .pub."


def ssh_public_key_fault(key: str) -> tuple[str, str]:
    """Return what is wrong with a public key and what to do; empty where it is good.

    Args:
        key: The line of a .pub file.
    """
    # To load the library takes a tenth of a check of answers, and nearly all keys are of this kind.
    if is_ed25519(key):
        return "", ""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        parsed = load_ssh_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        return "this SSH public key does not parse; it may have been cut when it was copied", _REMEDY
    if isinstance(parsed, RSAPublicKey) and parsed.key_size < _MIN_RSA_BITS:
        return f"an RSA key of {parsed.key_size} bits is too short; {_MIN_RSA_BITS} are the least", _REMEDY
    return "", ""


def is_ed25519(key: str) -> bool:
    """Tell whether a line is a whole Ed25519 key, maybe with a comment."""
    kind, _, rest = key.partition(" ")
    text = rest.partition(" ")[0]
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    whole = len(blob) == len(_ED25519_BEGIN) + _ED25519_BYTES and base64.b64encode(blob).decode() == text
    return whole and kind == "ssh-ed25519" and blob.startswith(_ED25519_BEGIN)
