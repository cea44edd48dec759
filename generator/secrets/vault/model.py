"""What the vault holds, as immutable records; `vault/file.py` keeps it, encrypted, on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from msgspec import Meta, field
from msgspec.structs import asdict, replace

from generator.secrets.catalogue.model import Generator
from generator.secrets.vault.keys import certificate_fingerprint, certificate_public_key
from generator.secrets.vault.lineage import Lineage
from generator.secrets.vault.plaintext import Plaintext
from generator.secrets.vault.record import Record, Time, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from generator.secrets.vault.keys import SealingKey

VERSION = 1
_FINGERPRINT_KEY_BYTES = 32
# Fields that vaults of before do not have.
_OPTIONAL = ("compromised", "current_key", "history", "next_key", "prepared", "retired")


class KeyRecord(Record, frozen=True, kw_only=True):
    """A sealing key: name of its Secret in the cluster, both halves in PEM, time of making."""

    name: Annotated[str, Meta(min_length=1)]
    certificate: str
    private_key: Plaintext
    created: Time

    def __post_init__(self) -> None:
        try:
            certificate_public_key(self.certificate.encode())
        except ValueError as error:
            raise ValueError(f"the certificate can't be read: {error}") from None

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint of the key, by which manifests and the controller name it."""
        return certificate_fingerprint(self.certificate.encode())


class AuthorityRecord(Record, frozen=True, kw_only=True):
    """The cluster's own certificate authority: certificate and key in PEM."""

    certificate: str
    private_key: Plaintext


class ValueRecord(Record, frozen=True, kw_only=True):
    """One plaintext.

    Attributes:
        generator: What made it.
        created: When, UTC, whole seconds.
        secret: The password, the private key, or what the user supplied.
        public: What belongs to it and is no secret: `public` of a key pair, `cert` and `ca` of a certificate.
        revision: See `Lineage`; "" until the vault has taken it in.
        ancestors: See `Lineage`.
    """

    generator: Generator
    created: Time
    secret: Plaintext
    public: dict[str, str] = field(default_factory=dict)
    revision: str = ""
    ancestors: tuple[str, ...] = ()

    @property
    def lineage(self) -> Lineage:
        """Return where it stands among its predecessors."""
        return Lineage(created=self.created, revision=self.revision, ancestors=self.ancestors)

    def with_lineage(self, lineage: Lineage) -> ValueRecord:
        """Return the same value with its place among its predecessors."""
        return replace(self, **asdict(lineage))


class DerivedRecord(Record, frozen=True, kw_only=True):
    """A salted form, made once: fingerprint of what it was made from, and the result."""

    source: str
    content: Plaintext


class SealedRecord(Record, frozen=True, kw_only=True):
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


def _without(outer: dict[str, dict[str, _Inner]], secret_id: str, value: str) -> dict[str, dict[str, _Inner]]:
    """Return a mapping without what it has of a value, and without what is empty then."""
    others = {name: inner for name, inner in outer.get(secret_id, {}).items() if name != value}
    return {name: inner for name, inner in {**outer, secret_id: others}.items() if inner}


class Vault(Record, frozen=True, kw_only=True):
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
        history: Values that were replaced, the latest first, as many as are kept.
        prepared: Keys that the outside has to know before they count: the value to come of each.
        next_key: Name of the sealing key that counts as soon as the cluster has it; "" where none waits.
        current_key: Name of the sealing key that took another one's place last; "" where the first one still counts.
        compromised: Sealing keys that somebody else may have, by fingerprint, and since when that is known.
        retired: Sealing keys that were taken away, by fingerprint, and when: a copy of before does not bring them back.
        recipients: age public keys that the file is encrypted to.
        answers_recipients: Those of them that the answers named, and that go when the answers no longer do.
    """

    version: Literal[1] = 1
    cluster: Annotated[str, Meta(min_length=1)]
    fingerprint_key: Plaintext
    sealing_keys: Annotated[tuple[KeyRecord, ...], Meta(min_length=1)]
    ca: AuthorityRecord | None = None
    values: dict[str, dict[str, ValueRecord]] = field(default_factory=dict)
    derived: dict[str, dict[str, DerivedRecord]] = field(default_factory=dict)
    sealed: dict[str, dict[str, SealedRecord]] = field(default_factory=dict)
    elsewhere: dict[str, dict[str, Lineage]] = field(default_factory=dict)
    history: dict[str, dict[str, tuple[ValueRecord, ...]]] = field(default_factory=dict)
    prepared: dict[str, dict[str, ValueRecord]] = field(default_factory=dict)
    next_key: str = ""
    current_key: str = ""
    compromised: dict[str, Time] = field(default_factory=dict)
    retired: dict[str, Time] = field(default_factory=dict)
    recipients: tuple[str, ...]
    answers_recipients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.fingerprint_key.reveal()) != _FINGERPRINT_KEY_BYTES:
            raise ValueError(f"the fingerprint_key must have {_FINGERPRINT_KEY_BYTES} bytes")

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
        return replace(
            self,
            values={**self.values, secret_id: {**self.values.get(secret_id, {}), value: record}},
            elsewhere=_without(self.elsewhere, secret_id, value),
            prepared=_without(self.prepared, secret_id, value),
        )

    def with_prepared(self, secret_id: str, value: str, record: ValueRecord) -> Vault:
        """Return the vault with a value that is to count later."""
        return replace(self, prepared={**self.prepared, secret_id: {**self.prepared.get(secret_id, {}), value: record}})

    def to_json(self) -> Plaintext:
        """Return the canonical JSON text: sorted keys, no spaces, ASCII."""
        return Plaintext(to_json(self, _OPTIONAL))

    def secrets(self) -> Iterator[Plaintext]:
        """Yield every secret of the vault, for the search for leaks."""
        yield self.fingerprint_key
        for key in self.sealing_keys:
            yield key.private_key
        if self.ca:
            yield self.ca.private_key
        for values in (*self.values.values(), *self.prepared.values()):
            for value in values.values():
                yield value.secret
        for replaced in self.history.values():
            for records in replaced.values():
                yield from (record.secret for record in records)
        for forms in self.derived.values():
            for form in forms.values():
                yield form.content
