"""Sealing and unsealing of single values, byte-compatible with kubeseal.

The format is that of `pkg/crypto/crypto.go` in bitnami/sealed-secrets:

    sealed = base64(uint16_be(len(R)) || R || C)
    K = 32 random bytes, used once
    R = RSA-OAEP(SHA-256, MGF1-SHA-256, label)(K)
    C = AES-256-GCM(K, nonce = 12 zero bytes, no associated data)(plaintext), its 16 byte tag at the end

The nonce may be zero because K encrypts one message. The label binds a value to namespace and name, so a sealed value
that is copied to another place can't be unsealed there. Nothing binds it to its key inside of the Secret.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from generator.errors import VaultError
from generator.secrets.vault.keys import certificate_public_key, key_fingerprint
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NONCE = bytes(12)
_TAG_BYTES = 16
_LENGTH_BYTES = 2
_SHA256 = hashes.SHA256()
_MGF = padding.MGF1(_SHA256)


class Sealer:
    """Seals to one certificate, whose key is read once.

    Attributes:
        fingerprint: Of the certificate's key, `SHA256:...`.
    """

    def __init__(self, certificate: bytes) -> None:
        """Read the certificate.

        Args:
            certificate: The sealing certificate in PEM.

        Raises:
            ValueError: It is no certificate in PEM, or its key is not RSA.
        """
        self._key = certificate_public_key(certificate)
        self.fingerprint = key_fingerprint(self._key)

    def seal(self, plaintext: Plaintext, label: bytes) -> str:
        """Seal one value.

        Args:
            plaintext: The value.
            label: What it is bound to, see `Scope.label`.

        Returns:
            Base64, as it stands in `spec.encryptedData`; another one in each call.
        """
        session_key = os.urandom(32)
        wrapped = self._key.encrypt(session_key, _oaep(label))
        body = AESGCM(session_key).encrypt(_NONCE, plaintext.reveal(), None)
        return base64.b64encode(len(wrapped).to_bytes(_LENGTH_BYTES, "big") + wrapped + body).decode()


def load_private_keys(private_keys: Iterable[Plaintext]) -> tuple[rsa.RSAPrivateKey, ...]:
    """Read sealing keys (PKCS#1 or PKCS#8 in PEM) that `generate_sealing_key` made.

    Raises:
        ValueError: One of them is no RSA key in PEM.
    """
    loaded = []
    for pem in private_keys:
        # OpenSSL's primality check takes 0.2 s per key, and these keys come out of our own encrypted file.
        key = serialization.load_pem_private_key(pem.reveal(), None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("the sealing key is not RSA")  # noqa: TRY004 - content of a file, not a type
        loaded.append(key)
    return tuple(loaded)


def unseal(private_keys: Sequence[rsa.RSAPrivateKey], sealed: str, label: bytes) -> Plaintext:
    """Unseal one value with whichever key fits, as the controller does.

    Args:
        private_keys: The keys to try, in order.
        sealed: Base64 from `spec.encryptedData`.
        label: What the value is bound to, see `Scope.label`.

    Raises:
        VaultError: The value is damaged, bound to another place, or sealed to none of the keys.
    """
    try:
        wrapped, body = split(sealed)
    except ValueError as error:
        raise VaultError(f"the sealed value of {label.decode()} is damaged: {error}") from None
    for key in private_keys:
        try:
            return Plaintext(AESGCM(key.decrypt(wrapped, _oaep(label))).decrypt(_NONCE, body, None))
        except (ValueError, InvalidTag):
            continue
    raise VaultError(
        f"no sealing key of the vault unseals the value of {label.decode()}: "
        "it was sealed to another key, or for another name"
    )


def split(sealed: str) -> tuple[bytes, bytes]:
    """Take a sealed value apart without any key.

    Returns:
        The wrapped session key, as long as the sealing key's modulus, and the encrypted value with its tag.

    Raises:
        ValueError: It does not have that structure; the message says why.
    """
    try:
        raw = base64.b64decode(sealed, validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64") from error
    end = _LENGTH_BYTES + int.from_bytes(raw[:_LENGTH_BYTES], "big")
    if len(raw) < end + _TAG_BYTES:
        raise ValueError(f"it has {len(raw)} bytes, at least {end + _TAG_BYTES} are needed")
    return raw[_LENGTH_BYTES:end], raw[end:]


def sealed_bytes(sealed: str) -> int:
    """Return how many bytes a sealed value has when it is opened; no key is needed for that.

    Returns:
        Its length; 0 for a damaged one.
    """
    try:
        _, body = split(sealed)
    except ValueError:
        return 0
    return len(body) - _TAG_BYTES


def _oaep(label: bytes) -> padding.OAEP:
    return padding.OAEP(mgf=_MGF, algorithm=_SHA256, label=label or None)
