"""What the vault holds, as immutable records with strict validation; `vault/file.py` keeps it, encrypted, on disk."""

from __future__ import annotations

import base64
import binascii
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, field_validator

from generator.secrets.catalogue.model import Generator
from generator.secrets.vault.keys import certificate_public_key
from generator.secrets.vault.lineage import Lineage
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from generator.secrets.vault.keys import SealingKey

VERSION = 1
_FINGERPRINT_KEY_BYTES = 32


def _decode(value: object) -> Plaintext:
    if isinstance(value, Plaintext):
        return value
    if isinstance(value, str):
        with suppress(binascii.Error):
            return Plaintext(base64.b64decode(value, validate=True))
    raise ValueError("must be base64")


def _encode(value: Plaintext) -> str:
    return base64.b64encode(value.reveal()).decode()


SecretField = Annotated[Plaintext, PlainValidator(_decode), PlainSerializer(_encode, return_type=str)]


class _Record(BaseModel):
    # Pydantic's errors quote their input unless told otherwise, and here the input is secret.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class KeyRecord(_Record):
    """A sealing key: name of its Secret in the cluster, both halves in PEM, time of making."""

    name: str = Field(min_length=1)
    certificate: str
    private_key: SecretField
    created: AwareDatetime

    @field_validator("certificate")
    @classmethod
    def _certificate_is_readable(cls, certificate: str) -> str:
        certificate_public_key(certificate.encode())
        return certificate


class AuthorityRecord(_Record):
    """The cluster's own certificate authority: certificate and key in PEM."""

    certificate: str
    private_key: SecretField


class ValueRecord(_Record):
    """One plaintext.

    Attributes:
        generator: What made it.
        created: When, UTC, whole seconds.
        secret: The password, the private key, or what the user supplied.
        public: What belongs to it and is no secret: `public` of an ssh-key, `cert` and `ca` of a certificate.
        revision: See `Lineage`; "" until the vault has taken it in.
        ancestors: See `Lineage`.
    """

    generator: Generator
    created: AwareDatetime
    secret: SecretField
    public: dict[str, str] = Field(default_factory=dict)
    revision: str = ""
    ancestors: tuple[str, ...] = ()

    @property
    def lineage(self) -> Lineage:
        """Return where it stands among its predecessors."""
        return Lineage(created=self.created, revision=self.revision, ancestors=self.ancestors)

    def with_lineage(self, lineage: Lineage) -> ValueRecord:
        """Return the same value with its place among its predecessors."""
        return self.model_copy(update=lineage.model_dump())


class DerivedRecord(_Record):
    """A salted form, made once: fingerprint of what it was made from, and the result."""

    source: str
    content: SecretField


class SealedRecord(_Record):
    """A sealed value, kept so that equal plaintexts stay equal files.

    Attributes:
        certificate: Fingerprint of the sealing key.
        value: Keyed fingerprint of the plaintext, its place and its lineage.
        ciphertext: As it stands in the sealed manifest.
    """

    certificate: str
    value: str
    ciphertext: str


_Inner = TypeVar("_Inner")


def _filled(outer: dict[str, dict[str, _Inner]]) -> dict[str, dict[str, _Inner]]:
    return {name: inner for name, inner in outer.items() if inner}


class Vault(_Record):
    """Everything that has to be kept to make the same sealed manifests again.

    The outer keys of `values`, `derived` and `sealed` are `namespace/name`; the inner ones are names of values and keys
    of the Secret, respectively.

    Attributes:
        version: Of this format.
        cluster: Name of the cluster that it belongs to.
        fingerprint_key: 32 random bytes, see `fingerprint`.
        sealing_keys: All generations, oldest first.
        ca: The cluster's own certificate authority, once something needs it.
        values: Plaintexts. They outlive their entry in the catalogue: a component that is switched off and on again
            finds the passwords that its data was made with.
        derived: Salted forms of plaintexts.
        sealed: Sealed values of what the catalogue asks for now.
        elsewhere: Values that another copy of the vault replaced, and of which Git holds a hash alone: their lineage.
            What was derived from them stands in `derived`; the value that this vault still has is an old one.
        recipients: age public keys that the file is encrypted to.
        answers_recipients: Those of them that the answers named, and that go when the answers no longer do.
    """

    version: Literal[1] = 1
    cluster: str = Field(min_length=1)
    fingerprint_key: SecretField
    sealing_keys: tuple[KeyRecord, ...] = Field(min_length=1)
    ca: AuthorityRecord | None = None
    values: dict[str, dict[str, ValueRecord]] = Field(default_factory=dict)
    derived: dict[str, dict[str, DerivedRecord]] = Field(default_factory=dict)
    sealed: dict[str, dict[str, SealedRecord]] = Field(default_factory=dict)
    elsewhere: dict[str, dict[str, Lineage]] = Field(default_factory=dict)
    recipients: tuple[str, ...]
    answers_recipients: tuple[str, ...] = ()

    @field_validator("fingerprint_key")
    @classmethod
    def _fingerprint_key_is_whole(cls, key: Plaintext) -> Plaintext:
        if len(key.reveal()) != _FINGERPRINT_KEY_BYTES:
            raise ValueError(f"must have {_FINGERPRINT_KEY_BYTES} bytes")
        return key

    @classmethod
    def new(
        cls, cluster: str, key_name: str, key: SealingKey, recipients: Sequence[str], named: Sequence[str] = ()
    ) -> Vault:
        """Return a vault with a sealing key and without values; `named` are the recipients that the answers name."""
        record = KeyRecord(name=key_name, certificate=key.certificate, private_key=key.private_key, created=key.created)
        return cls(
            cluster=cluster,
            fingerprint_key=Plaintext(os.urandom(_FINGERPRINT_KEY_BYTES)),
            sealing_keys=(record,),
            recipients=tuple(recipients),
            answers_recipients=tuple(named),
        )

    def sealing_key(self, name: str) -> KeyRecord | None:
        """Return the sealing key of that name, if the vault has it."""
        return next((key for key in self.sealing_keys if key.name == name), None)

    def lineage(self, secret_id: str, value: str) -> Lineage | None:
        """Return the lineage of the newest value that is known here; None if there is none.

        Args:
            secret_id: `namespace/name` of the secret.
            value: Name of the value within it.
        """
        if elsewhere := self.elsewhere.get(secret_id, {}).get(value):
            return elsewhere
        record = self.values.get(secret_id, {}).get(value)
        return record.lineage if record else None

    def with_value(self, secret_id: str, value: str, record: ValueRecord) -> Vault:
        """Return the vault with a value that counts from now on."""
        others = {name: lineage for name, lineage in self.elsewhere.get(secret_id, {}).items() if name != value}
        return self.model_copy(
            update={
                "values": {**self.values, secret_id: {**self.values.get(secret_id, {}), value: record}},
                "elsewhere": _filled({**self.elsewhere, secret_id: others}),
            }
        )

    def to_json(self) -> Plaintext:
        """Return the canonical JSON text: sorted keys, no spaces, ASCII."""
        document = self.model_dump(mode="json")
        return Plaintext(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())

    def secrets(self) -> Iterator[Plaintext]:
        """Yield every secret of the vault, for the search for leaks."""
        yield self.fingerprint_key
        for key in self.sealing_keys:
            yield key.private_key
        if self.ca:
            yield self.ca.private_key
        for values in self.values.values():
            for value in values.values():
                yield value.secret
        for forms in self.derived.values():
            for form in forms.values():
                yield form.content
