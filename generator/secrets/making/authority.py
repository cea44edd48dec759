"""The cluster's own certificate authority, kept in the vault: EC P-256, ten years; it signs server certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from generator.secrets.catalogue.model import Generator
from generator.secrets.vault.model import AuthorityRecord, ValueRecord
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Sequence

_AUTHORITY_LIFETIME = timedelta(days=3650)
_RENEW_BEFORE = timedelta(days=30)
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def suitable_authority(authority: AuthorityRecord | None, cluster: str, days: int, now: datetime) -> AuthorityRecord:
    """Return an authority that outlives a leaf of so many days: the given one, or a new one.

    Args:
        authority: The vault's authority, if it has one.
        cluster: Name of the cluster, part of the authority's name.
        days: Lifetime of the leaf that is to be issued.
        now: The present, UTC.
    """
    if authority and outlives(authority, days, now):
        return authority
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{cluster} cluster CA")
    certificate = (
        _certificate(name, name, key.public_key(), now, now + _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(key, hashes.SHA256())
    )
    return AuthorityRecord(certificate=_pem(certificate), private_key=_private_pem(key))


def outlives(authority: AuthorityRecord, days: int, now: datetime) -> bool:
    """Return whether an authority is valid for so many days more."""
    certificate = x509.load_pem_x509_certificate(authority.certificate.encode())
    return certificate.not_valid_after_utc >= now + timedelta(days=days)


def as_value(authority: AuthorityRecord, now: datetime) -> ValueRecord:
    """Return an authority as a value, for a cluster that signs with it itself."""
    return ValueRecord(
        generator=Generator.AUTHORITY,
        created=now,
        secret=authority.private_key,
        public={"ca": authority.certificate},
    )


def of_value(record: ValueRecord) -> AuthorityRecord:
    """Return the authority that a value of it holds."""
    return AuthorityRecord(certificate=record.public["ca"], private_key=record.secret)


def issue(authority: AuthorityRecord, names: Sequence[str], days: int, now: datetime) -> ValueRecord:
    """Make a key and a server certificate for it.

    Args:
        authority: Who signs.
        names: DNS names; the first is the common name, too.
        days: Lifetime.
        now: The present, UTC, whole seconds.

    Returns:
        The key as the secret; `cert` (the leaf) and `ca` (who signed it) as public parts.
    """
    signer = serialization.load_pem_private_key(authority.private_key.reveal(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an elliptic-curve key")
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        # A common name has at most 64 characters (RFC 5280, ub-common-name); clients read the alternative names alone.
        _certificate(_name(names[0][:64]), issuer.subject, key.public_key(), now, now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return ValueRecord(
        generator=Generator.CERTIFICATE,
        created=now,
        secret=_private_pem(key),
        public={"cert": _pem(leaf), "ca": authority.certificate},
    )


def still_valid(record: ValueRecord, names: Sequence[str], now: datetime) -> bool:
    """Return whether a certificate has these very names, and is not due for renewal."""
    alternatives = _leaf(record).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return alternatives.get_values_for_type(x509.DNSName) == list(names) and now.astimezone(UTC) <= renewal_of(record)


def renewal_of(record: ValueRecord) -> datetime:
    """Return when a certificate is due for renewal: 30 days before its end, or with a third of a short life left."""
    leaf = _leaf(record)
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    return leaf.not_valid_after_utc - min(_RENEW_BEFORE, lifetime / 3)


def _leaf(record: ValueRecord) -> x509.Certificate:
    return x509.load_pem_x509_certificate(record.public["cert"].encode())


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _key_usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in wanted for usage in _USAGES})


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private_pem(key: ec.EllipticCurvePrivateKey) -> Plaintext:
    return Plaintext(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
