"""What a Secret of a type has to hold: what the API server demands, and what its readers can use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MADE_BY_THE_CLUSTER = frozenset({"kubernetes.io/service-account-token", "helm.sh/release.v1"})


def fault_of(kind: str, data: Mapping[str, bytes]) -> str:
    """Return what is wrong with the data of a Secret of a type; "" if nothing is. Nothing of a value is said.

    Args:
        kind: The type.
        data: Values by key.
    """
    if kind in _MADE_BY_THE_CLUSTER:
        return f"is of the type {kind}, which the cluster makes by itself"
    if not data:
        return "holds nothing"
    if empty := next((key for key, content in data.items() if not content), ""):
        return f"has the key {empty} with nothing in it"
    match kind:
        case "kubernetes.io/tls":
            return _tls_fault(data)
        case "kubernetes.io/dockerconfigjson":
            return _docker_fault(data.get(".dockerconfigjson", b""))
        case "kubernetes.io/basic-auth":
            return "" if {"username", "password"} & set(data) else "has neither username nor password"
        case "kubernetes.io/ssh-auth":
            return _ssh_fault(data.get("ssh-privatekey", b""))
    return ""


def _tls_fault(data: Mapping[str, bytes]) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificate = x509.load_pem_x509_certificates(data.get("tls.crt", b""))[0]
        key = load_pem_private_key(data.get("tls.key", b""), None)
    except (ValueError, TypeError, IndexError):
        return "has no certificate and unencrypted key in PEM as tls.crt and tls.key"
    return "" if certificate.public_key() == key.public_key() else "has a tls.crt that is not that of its tls.key"


def _docker_fault(content: bytes) -> str:
    try:
        auths = json.loads(content)["auths"]
        fine = isinstance(auths, dict) and all(isinstance(login, dict) for login in auths.values())
    except (ValueError, TypeError, KeyError):
        fine = False
    return "" if fine else "has no JSON with auths as .dockerconfigjson"


def _ssh_fault(content: bytes) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    for load in (load_ssh_private_key, load_pem_private_key):
        try:
            load(content, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        return ""
    return "has no unencrypted private key as ssh-privatekey"
