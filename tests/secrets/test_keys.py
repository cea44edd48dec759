"""Sealing keys: what upstream makes, and the Secret that carries them."""

from __future__ import annotations

import base64
import hashlib
import pickle
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from generator.secrets.vault.keys import certificate_fingerprint, certificate_public_key, generate_sealing_key

if TYPE_CHECKING:
    from generator.secrets.vault.keys import SealingKey


def test_the_default_is_rsa_4096() -> None:
    key = generate_sealing_key()
    assert certificate_public_key(key.certificate.encode()).key_size == 4096


def test_the_certificate_has_upstreams_attributes(sealing_key: SealingKey) -> None:
    certificate = x509.load_pem_x509_certificate(sealing_key.certificate.encode())
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert certificate.subject == certificate.issuer == x509.Name([])
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert certificate.not_valid_before_utc == sealing_key.created
    assert certificate.not_valid_after_utc - sealing_key.created == timedelta(days=3650)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert usage.encipher_only
    assert not usage.digital_signature
    certificate.verify_directly_issued_by(certificate)


def test_the_private_key_is_pkcs1_and_fits_the_certificate(sealing_key: SealingKey) -> None:
    pem = sealing_key.private_key.reveal()
    key = serialization.load_pem_private_key(pem, None)
    assert pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----\n")
    assert key.public_key() == certificate_public_key(sealing_key.certificate.encode())


def test_the_fingerprint_is_openssh_s(sealing_key: SealingKey) -> None:
    line = certificate_public_key(sealing_key.certificate.encode()).public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(line.split()[1])).digest()).decode().rstrip("=")
    assert certificate_fingerprint(sealing_key.certificate.encode()) == f"SHA256:{digest}"


def test_a_key_can_be_made_in_another_process(sealing_key: SealingKey) -> None:
    assert pickle.loads(pickle.dumps(sealing_key)) == sealing_key
    assert pickle.loads(pickle.dumps(generate_sealing_key)) is generate_sealing_key


def test_a_certificate_with_another_kind_of_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(ValueError, match="not RSA"):
        certificate_fingerprint(certificate.public_bytes(serialization.Encoding.PEM))


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="PEM"):
        certificate_fingerprint(b"-----BEGIN PUBLIC KEY-----\n")
