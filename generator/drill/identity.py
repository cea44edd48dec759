"""What one drill's servers know each other by: made anew each time, and worth nothing afterwards."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from generator.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

_LIFETIME = timedelta(days=1)
# Some clocks are late.
_EARLIER = timedelta(hours=1)
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Identity:
    """The files of a drill, and the token that its API server takes.

    Attributes:
        certificate: The API server's certificate, which is its own authority.
        key: Its key; it signs tokens of service accounts as well.
        tokens: Who may do what: one user, everything.
        encryption: The key that Secrets are encrypted with in etcd. It is removed as soon as it was read, so that
            what a kill leaves behind can't be read by anybody.
        token: The token of that user.
    """

    certificate: Path
    key: Path
    tokens: Path
    encryption: Path
    token: str


def make_identity(folder: Path) -> Identity:
    """Make the files of a drill.

    Args:
        folder: A private folder.

    Raises:
        WriteError: The disk refused.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    token = secrets.token_hex(32)
    made = Identity(
        certificate=folder / "apiserver.crt",
        key=folder / "apiserver.key",
        tokens=folder / "tokens.csv",
        encryption=folder / "encryption.json",
        token=token,
    )
    # The API server takes keys of elliptic curves in this form alone (SEC 1).
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    contents = {
        made.certificate: _certificate(key),
        made.key: key.private_bytes(*form),
        made.tokens: f"{token},drill,drill,system:masters\n".encode(),
        made.encryption: json.dumps(_encryption()).encode(),
    }
    for path, content in contents.items():
        write_atomic(path, content, mode=0o600)
    return made


def _certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fmc drill")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), critical=False)
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _encryption() -> dict[str, object]:
    key = {"name": "drill", "secret": base64.b64encode(secrets.token_bytes(32)).decode()}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [{"secretbox": {"keys": [key]}}]}],
    }
