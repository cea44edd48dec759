"""Sealing keys of a cluster that is there already, brought into the vault: it then opens what they sealed."""

from __future__ import annotations

import base64
import binascii
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from generator.errors import BadInputError
from generator.inputs import read_bounded
from generator.secrets.sealing.documents import kubernetes_objects
from generator.secrets.sealing.key_names import KEY_LABEL
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.keys import key_fingerprint
from generator.secrets.vault.model import KeyRecord
from generator.secrets.vault.plaintext import Plaintext
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from generator.secrets.store import Store

_LARGEST = 4 << 20  # bytes
_SMALLEST = 2048  # bits; the controller makes keys of 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----\n?", re.DOTALL)
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclass(frozen=True)
class KeyFile:
    """What a person gave: where it comes from, and its content, which is private."""

    where: str
    content: Plaintext


@dataclass(frozen=True)
class ImportedKeys:
    """What an import did: names of keys that the vault has from now on, and of those that it had."""

    taken: tuple[str, ...]
    known: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    """A certificate and its private key; `is_lost` where the cluster's label says that others may have it."""

    name: str
    where: str
    certificate: bytes
    private_key: bytes = field(repr=False)
    is_lost: bool = False


def read_key_file(path: Path) -> KeyFile:
    """Read a file with private keys that nobody else can read, or a pipe.

    Args:
        path: The file.

    Raises:
        BadInputError: It can't be read, or others can read it.
    """
    content = read_bounded(path, _LARGEST)
    found = path.stat()
    if stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS:
        raise BadInputError(
            f"others can read {path}, and private keys are in it; nothing was taken",
            where=str(path),
            fix=f"Close it, then run the same command again: {command('chmod', '600', str(path))}. Who has read it can "
            "open all that is sealed to these keys.",
        )
    return KeyFile(str(path), Plaintext(content))


def import_keys(store: Store, files: Iterable[KeyFile], now: datetime) -> ImportedKeys:
    """Take sealing keys into the vault, beside those that it has; everything goes on being sealed to the one in use.

    Args:
        store: Where the vault and the catalogue lie.
        files: Secrets as `kubectl get secret --output yaml` prints them, or certificates and keys in PEM.
        now: The present, UTC.

    Raises:
        BadInputError: One of them is no such key, or a certificate is not its key's; nothing was taken.
        VaultError: There is no vault, or it can't be opened.
        WriteError: The disk refused; the vault is as it was.
    """
    before = vault = store.open(store.catalogue().cluster)
    taken, known = [], []
    for pair in _pairs(list(files)):
        record = _checked(pair)
        there = next((key for key in vault.sealing_keys if key.fingerprint == record.fingerprint), None)
        if there:
            known.append(there.name)
            continue
        if vault.sealing_key(record.name):
            record = replace(record, name=f"{record.name}-{_short(record.fingerprint)}")
        keys = sorted((*vault.sealing_keys, record), key=lambda key: key.created)
        retired = {print_: when for print_, when in vault.retired.items() if print_ != record.fingerprint}
        vault = replace(vault, sealing_keys=tuple(keys), retired=retired)
        if pair.is_lost:
            lost = {**vault.compromised, record.fingerprint: now.replace(microsecond=0)}
            vault = replace(vault, compromised=lost)
        taken.append(record.name)
    if vault != before:
        save_vault(store.vault, vault)
    return ImportedKeys(tuple(taken), tuple(known))


def _pairs(files: list[KeyFile]) -> Iterator[_Pair]:
    """Yield the pairs of all files; in PEM the halves of a pair may be in two files."""
    certificates: list[tuple[str, bytes]] = []
    private: list[tuple[str, bytes]] = []
    for file in files:
        content = file.content.reveal()
        if content.lstrip().startswith(b"-----BEGIN"):
            certificates += ((file.where, found[0]) for found in _CERTIFICATE.finditer(content))
            private += ((file.where, found[0]) for found in _PRIVATE.finditer(content))
        else:
            yield from _of_secrets(file)
    if len(certificates) != len(private):
        where = (certificates or private)[0][0]
        raise _unusable(f"{len(certificates)} certificates and {len(private)} private keys are no pairs", where)
    by_key = {_public(where, pem): (where, pem) for where, pem in certificates}
    for where, pem in private:
        public = key_fingerprint(_private(where, pem).public_key())
        if public not in by_key:
            raise _unusable("no certificate is that of the private key", where)
        yield _Pair(f"imported-{_short(public)}", where, by_key[public][1], pem)


def _of_secrets(file: KeyFile) -> Iterator[_Pair]:
    """Yield the pairs that are in Secrets."""
    try:
        objects = [item for item in kubernetes_objects(file.content.reveal()) if item is not None]
    except ValueError:
        raise _unusable("it is neither a Secret nor PEM", file.where) from None
    for item in objects or [None]:
        yield _of_secret(item, file.where)


def _of_secret(item: Any, where: str) -> _Pair:
    try:
        labels = item["metadata"].get("labels") or {}
        certificate = base64.b64decode(str(item["data"]["tls.crt"]), validate=True)
        private = base64.b64decode(str(item["data"]["tls.key"]), validate=True)
        name = str(item["metadata"]["name"])
    except (KeyError, TypeError, AttributeError, binascii.Error):
        raise _unusable("an object in it has no tls.crt and tls.key", where) from None
    return _Pair(name, where, certificate, private, is_lost=labels.get(KEY_LABEL) == "compromised")


def _checked(pair: _Pair) -> KeyRecord:
    private = _private(pair.where, pair.private_key)
    if _public(pair.where, pair.certificate) != key_fingerprint(private.public_key()):
        raise _unusable(f"the certificate of {pair.name} is not that of its private key", pair.where)
    if private.key_size < _SMALLEST:
        raise _unusable(f"the key {pair.name} has {private.key_size} bits, fewer than {_SMALLEST}", pair.where)
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    return KeyRecord(
        name=pair.name,
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        private_key=Plaintext(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        ),
        created=certificate.not_valid_before_utc,
    )


def _public(where: str, certificate: bytes) -> str:
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
    except ValueError:
        raise _unusable("a certificate in it can't be read", where) from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise _unusable("the key of a certificate in it is not RSA", where)
    return key_fingerprint(key)


def _private(where: str, pem: bytes) -> rsa.RSAPrivateKey:
    """Read a private key, and have OpenSSL check it: it comes from outside."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise _unusable("a private key in it is damaged or encrypted", where) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unusable("a private key in it is not RSA", where)
    return key


def _short(fingerprint: str) -> str:
    """Return the beginning of a fingerprint as it may stand in the name of a Secret."""
    return base64.b64decode(fingerprint.removeprefix("SHA256:") + "=").hex()[:8]


def _unusable(why: str, where: str) -> BadInputError:
    """Return the error for what is no sealing key; it quotes nothing of it."""
    return BadInputError(
        f"{where} has no sealing key that can be taken: {why}; nothing was taken",
        where=where,
        fix="Give the Secrets as the cluster has them: `kubectl --namespace kube-system get secret --selector "
        f"{KEY_LABEL} --output yaml`. Or a certificate and its unencrypted key in PEM.",
    )
