"""Secrets that are there already become entries of the user's own catalogue, with their values in the vault.

A SealedSecret is opened with the vault's keys; a Secret in the clear comes through a pipe. What the Secret is (type,
labels, annotations, scope, immutability) is written into the catalogue, so that `fmc seal` makes the same Secret of it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator.errors import BadInputError, CatalogueError
from generator.files import write_atomic
from generator.inputs import read_bounded
from generator.secrets.catalogue.model import USER_CATALOGUE, Generator, Secret
from generator.secrets.catalogue.scope import Scope
from generator.secrets.catalogue.section import LIMITS
from generator.secrets.making.kinds import fault_of
from generator.secrets.own_entries import with_entries
from generator.secrets.sealing.crypto import load_private_keys
from generator.secrets.sealing.documents import as_sealed, kubernetes_objects, opened
from generator.secrets.sealing.manifest import PREFIX, WAVE_ANNOTATION, quote
from generator.secrets.vault.file import save_vault
from generator.secrets.vault.history import remember
from generator.secrets.vault.lineage import content_digest, descendant
from generator.secrets.vault.model import ValueRecord
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric import rsa

    from generator.secrets.sealing.documents import SealedDocument
    from generator.secrets.store import Store
    from generator.secrets.vault.model import Vault

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class Incoming:
    """A Secret that is to be adopted.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        type: Its type.
        labels: Its labels.
        annotations: Its annotations, without those that say how it was sealed or applied.
        wave: Argo CD's wave of the sealed manifest; "" for none.
        scope: What its values were bound to.
        is_immutable: Whether Kubernetes lets nobody change it.
        data: Its values, by key.
    """

    namespace: str
    name: str
    type: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    wave: str
    scope: Scope
    is_immutable: bool
    data: Mapping[str, Plaintext] = field(repr=False)

    @property
    def id(self) -> str:
        """Return `namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Adopted:
    """What an import did.

    Attributes:
        taken: `namespace/name` of the secrets that the catalogue has from now on.
        known: Those that it had, with the same values.
    """

    taken: tuple[str, ...]
    known: tuple[str, ...]


def adopt(store: Store, content: bytes, where: str, now: datetime, *, is_piped: bool) -> Adopted:
    """Adopt the SealedSecrets and Secrets of a file; run again after a kill, it completes that.

    Args:
        store: Where the vault and the catalogue lie.
        content: One or several documents.
        where: Where they come from, for messages.
        now: The present, UTC.
        is_piped: Whether they came through a pipe: Secrets in the clear are taken from there alone.

    Raises:
        BadInputError: One of them can't be adopted; nothing was written.
        VaultError: There is no vault, or it can't be opened.
        WriteError: The disk refused; the same command goes on.
    """
    catalogue = store.catalogue()
    before = vault = store.open(catalogue.cluster)
    entries = {secret.id: secret for secret in catalogue.secrets}
    taken, known = [], []
    for incoming in _incoming(content, where, vault, is_piped=is_piped):
        if incoming.id in entries:
            _require_same(entries[incoming.id], incoming, vault)
            known.append(incoming.id)
            continue
        for key, value in incoming.data.items():
            vault = _with_value(vault, incoming.id, key, value, now.replace(microsecond=0))
        taken.append(incoming)
    path = store.root / USER_CATALOGUE
    if taken:
        listed = "".join(f"  {line}\n" for incoming in taken for line in _entry(incoming))
        own = read_bounded(path, LIMITS.bytes) if path.is_file() else b""
        try:
            text = with_entries(store.root, own, listed)
        except CatalogueError as error:
            raise _unusable(where, error.findings[0].message) from error
        if vault is not before:
            save_vault(store.vault, remember(before, vault))
        write_atomic(path, text)
    return Adopted(tuple(incoming.id for incoming in taken), tuple(known))


def _incoming(content: bytes, where: str, vault: Vault, *, is_piped: bool) -> Iterator[Incoming]:
    keys = load_private_keys(key.private_key for key in vault.sealing_keys)
    try:
        objects = list(kubernetes_objects(content))
    except ValueError as error:
        raise _unusable(where, str(error)) from None
    found = 0
    for item in objects:
        if sealed := as_sealed(item):
            incoming = _of_sealed(sealed, item, keys, where)
        elif isinstance(item, dict) and item.get("kind") == "Secret":
            if not is_piped:
                raise BadInputError(
                    f"a Secret lies in {where} in the clear; nothing was taken",
                    where=where,
                    fix="Pipe it in, so that it lies nowhere: `kubectl get secret NAME --namespace NAMESPACE --output "
                    "yaml | fmc secret import -`. Remove the file; if it was ever committed, replace its values.",
                )
            incoming = _of_secret(item, where)
        else:
            continue
        if fault := fault_of(incoming.type, {key: value.reveal() for key, value in incoming.data.items()}):
            raise _unusable(where, f"{incoming.id} {fault}")
        found += 1
        yield incoming
    if not found:
        raise _unusable(where, "it holds no Secret and no SealedSecret")


def _of_sealed(sealed: SealedDocument, item: Any, keys: tuple[rsa.RSAPrivateKey, ...], where: str) -> Incoming:
    template = sealed.template
    if template.get("data"):
        raise _unusable(where, f"{sealed.id} has a template of its data, which a catalogue does not know")
    data = {}
    for key, ciphertext in sealed.ciphertexts.items():
        plaintext = opened(keys, ciphertext, sealed.label)
        if plaintext is None:
            raise BadInputError(
                f"no sealing key of the vault opens {key} of {sealed.id}; nothing was taken",
                where=f"{where}:{sealed.lines[key]}",
                fix="Bring the key of the cluster that it was sealed for into the vault: `fmc keys import FILE`.",
            )
        data[key] = plaintext
    metadata = template.get("metadata") or {}
    return Incoming(
        sealed.namespace,
        sealed.name,
        str(template.get("type") or "Opaque"),
        _texts(metadata.get("labels")),
        _kept(metadata.get("annotations")),
        str((item["metadata"].get("annotations") or {}).get(WAVE_ANNOTATION, "")),
        sealed.scope,
        template.get("immutable") is True,
        data,
    )


def _of_secret(item: Any, where: str) -> Incoming:
    try:
        metadata = item["metadata"]
        data = {str(key): base64.b64decode(str(text), validate=True) for key, text in (item.get("data") or {}).items()}
        data |= {str(key): str(text).encode() for key, text in (item.get("stringData") or {}).items()}
        return Incoming(
            str(metadata["namespace"]),
            str(metadata["name"]),
            str(item.get("type") or "Opaque"),
            _texts(metadata.get("labels")),
            _kept(metadata.get("annotations")),
            "",
            Scope.STRICT,
            item.get("immutable") is True,
            {key: Plaintext(content) for key, content in data.items()},
        )
    except (KeyError, TypeError, AttributeError, binascii.Error):
        raise _unusable(where, "a Secret in it lacks its name or namespace, or its data are no base64") from None


def _texts(mapping: Any) -> dict[str, str]:
    return {str(key): str(text) for key, text in (mapping or {}).items()}


def _kept(annotations: Any) -> dict[str, str]:
    """Return annotations without what says how the Secret was sealed, and the copy of it that kubectl keeps."""
    gone = {_APPLIED, *(scope.annotation for scope in Scope)}
    return {key: text for key, text in _texts(annotations).items() if key not in gone and not key.startswith(PREFIX)}


def _with_value(vault: Vault, secret_id: str, key: str, value: Plaintext, now: datetime) -> Vault:
    known = vault.lineage(secret_id, key)
    content = content_digest(vault.fingerprint_key, secret_id, key, value)
    if known and known.content == content and key in vault.values.get(secret_id, {}):
        return vault
    record = ValueRecord(generator=Generator.EXTERNAL, created=now, secret=value)
    return vault.with_value(secret_id, key, record.with_lineage(descendant(content, now, [known] if known else [])))


def _require_same(entry: Secret, incoming: Incoming, vault: Vault) -> None:
    """Refuse to take over what the catalogue has otherwise."""
    values = vault.values.get(entry.id, {})
    same = all(key in values and values[key].secret == value for key, value in incoming.data.items())
    if entry.file != USER_CATALOGUE or set(entry.data) != set(incoming.data) or not same:
        raise BadInputError(
            f"the catalogue has {entry.id} already, with other values; nothing was taken",
            where=f"{entry.file}:{entry.line}",
            fix="`fmc recover FILE` takes over what is sealed; `fmc secret set` takes a value in the clear.",
        )


def _entry(incoming: Incoming) -> Iterator[str]:
    yield f"- namespace: {quote(incoming.namespace)}"
    yield f"  name: {quote(incoming.name)}"
    if incoming.type != "Opaque":
        yield f"  type: {quote(incoming.type)}"
    if incoming.scope is not Scope.STRICT:
        yield f"  scope: {incoming.scope}"
    if incoming.is_immutable:
        yield "  immutable: true"
    if incoming.wave:
        yield f"  sync_wave: {quote(incoming.wave)}"
    for name, mapping in (("labels", incoming.labels), ("annotations", incoming.annotations)):
        if mapping:
            yield f"  {name}:"
            yield from (f"    {quote(key)}: {quote(value)}" for key, value in sorted(mapping.items()))
    yield "  values:"
    yield from (f"    {quote(key)}: {{generator: external}}" for key in sorted(incoming.data))
    yield "  data:"
    yield from (f"    {quote(key)}: {{from: {quote(key)}}}" for key in sorted(incoming.data))


def _unusable(where: str, why: str) -> BadInputError:
    return BadInputError(
        f"{where} can't be adopted: {why}; nothing was taken",
        where=where,
        fix="Take out or correct what is named, and run the same command again.",
    )
