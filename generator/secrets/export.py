"""The sealing keys for a cluster: out of the vault, in the form that the sealed-secrets controller loads."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import CERTIFICATE
from generator.secrets.sealing.crypto import load_private_keys
from generator.secrets.sealing.key_names import KEY_LABEL
from generator.secrets.sealing.trust import active_key, require_own_certificate
from generator.secrets.vault.keys import certificate_fingerprint, certificate_public_key
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from generator.secrets.store import Store
    from generator.secrets.vault.model import KeyRecord, Vault


def export_keys(store: Store) -> Plaintext:
    """Return the sealing keys of a cluster, as the Secrets that its controller loads.

    Args:
        store: Where they lie.

    Raises:
        BadInputError: The catalogue can't be used, the repository is sealed to another key than the one that the
            cluster would get, or a private key of the vault is not its certificate's.
        VaultError: There is no vault, or it can't be opened.
    """
    catalogue = store.catalogue()
    vault = store.open(catalogue.cluster)
    _require_committed(store.root / CERTIFICATE, vault, active_key(catalogue, vault))
    for key in vault.sealing_keys:
        _require_pair(key, store.vault)
    return key_secrets(catalogue.key_namespace, vault.sealing_keys)


def key_secrets(namespace: str, keys: Iterable[KeyRecord]) -> Plaintext:
    """Return the Kubernetes Secrets that give sealing keys to the controller.

    Args:
        namespace: Namespace of the controller.
        keys: The keys, named as their Secrets; not `sealed-secrets-key`, which the controller loads without its
            label, too.

    Returns:
        One JSON document, a List: `kubectl apply` takes it as well as a YAML stream, and kubeseal would read the first
        document of a stream alone.
    """
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": key.name, "namespace": namespace, "labels": {KEY_LABEL: "active"}},
            "data": {
                "tls.crt": base64.b64encode(key.certificate.encode()).decode(),
                "tls.key": base64.b64encode(key.private_key.reveal()).decode(),
            },
        }
        for key in keys
    ]
    return Plaintext(json.dumps({"apiVersion": "v1", "kind": "List", "items": secrets}, indent=2).encode())


def _require_committed(path: Path, vault: Vault, key: KeyRecord) -> None:
    """Refuse keys that would not open what is in Git: the committed certificate must be that of the key in use."""
    try:
        committed = path.read_bytes()
    except OSError as error:
        raise BadInputError(
            f"can't read the committed sealing certificate: {error.strerror}",
            where=str(path),
            fix="Run `fmc seal`: it seals the repository, and writes the certificate of the key in use.",
        ) from None
    require_own_certificate(committed, vault)
    found, wanted = certificate_fingerprint(committed), certificate_fingerprint(key.certificate.encode())
    if found != wanted:
        raise BadInputError(
            f"the repository is sealed to {found}, and the sealing key {key.name} is {wanted}",
            where=str(path),
            fix="Run `fmc seal`, `fmc check` and `fmc push`, so that Git is sealed to the key in use.",
        )


def _require_pair(key: KeyRecord, vault_path: Path) -> None:
    try:
        (private_key,) = load_private_keys([key.private_key])
        fits = private_key.public_key() == certificate_public_key(key.certificate.encode())
    except ValueError:
        fits = False
    if not fits:
        raise BadInputError(
            f"the private key of the sealing key {key.name} does not belong to its certificate "
            f"({certificate_fingerprint(key.certificate.encode())}): the cluster could open nothing with it",
            where=str(vault_path),
            fix="Bring the vault back from a backup.",
        )
