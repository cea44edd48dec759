"""Sealing keys: an RSA key and its self-signed certificate, made offline, as the sealed-secrets controller makes them.

The attributes are those of `pkg/crypto/keys.go` in bitnami/sealed-secrets: SHA-256, empty name, random serial number,
ten years, basic constraints CA, key usage encipher-only. Controller and kubeseal read the public key and the dates
alone.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from generator.secrets.vault.plaintext import Plaintext

_LIFETIME = timedelta(days=3650)


@dataclass(frozen=True)
class SealingKey:
    """A key pair that can be sealed to; it can be pickled, so that another process can make it.

    Attributes:
        certificate: Public half, a certificate in PEM.
        private_key: Private half, PKCS#1 in PEM.
        created: When it was made, UTC, whole seconds; the certificate's NotBefore.
    """

    certificate: str
    private_key: Plaintext
    created: datetime


def generate_sealing_key(bits: int = 4096) -> SealingKey:
    """Make a key pair; 4096 bits take 0.1 to 2 seconds.

    Args:
        bits: Size of the modulus; fewer than 4096 for tests alone.

    Returns:
        The pair.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    created = datetime.now(UTC).replace(microsecond=0)
    return SealingKey(
        certificate=_self_signed(key, created).public_bytes(serialization.Encoding.PEM).decode(),
        private_key=Plaintext(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        ),
        created=created,
    )


def _self_signed(key: rsa.RSAPrivateKey, created: datetime) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        # Upstream sets encipher-only alone; cryptography insists on key agreement beside it, and nobody reads either.
        key_agreement=True,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=True,
        decipher_only=False,
    )
    nobody = x509.Name([])
    return (
        x509.CertificateBuilder()
        .subject_name(nobody)
        .issuer_name(nobody)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(created)
        .not_valid_after(created + _LIFETIME)
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def certificate_public_key(certificate: bytes) -> rsa.RSAPublicKey:
    """Return the key that a sealing certificate carries.

    Args:
        certificate: One certificate in PEM.

    Raises:
        ValueError: It is no certificate in PEM, or its key is not RSA.
    """
    key = x509.load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("the key of the certificate is not RSA")  # noqa: TRY004 - content of a file, not a type
    return key


def certificate_end(certificate: bytes) -> datetime:
    """Return when a sealing certificate ends, UTC.

    Raises:
        ValueError: It is no certificate in PEM.
    """
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def key_fingerprint(key: rsa.RSAPublicKey) -> str:
    """Return `SHA256:...` as OpenSSH writes it, which is how the controller names its keys in its log, too."""
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def certificate_fingerprint(certificate: bytes) -> str:
    """Return the fingerprint of the key that a sealing certificate carries.

    Raises:
        ValueError: It is no certificate in PEM, or its key is not RSA.
    """
    return key_fingerprint(certificate_public_key(certificate))
