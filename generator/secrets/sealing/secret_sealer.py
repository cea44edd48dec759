"""Sealing one secret after the other: what is missing is made, what is there is derived and sealed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from generator.findings import Finding, Severity
from generator.secrets.catalogue.model import Constant, Derived, Generator, MachineSecret, Secret, Value
from generator.secrets.making.authority import as_value, of_value, outlives, still_valid, suitable_authority
from generator.secrets.making.forms import SALTED, plain_form, salted_form
from generator.secrets.making.make import make
from generator.secrets.sealing.committed import Opener
from generator.secrets.sealing.crypto import Sealer
from generator.secrets.sealing.manifest import Sealed
from generator.secrets.sealing.marks import recipe_mark, sealed_mark
from generator.secrets.vault.lineage import content_digest, descendant
from generator.secrets.vault.model import DerivedRecord, SealedRecord
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from generator.secrets.catalogue.model import Entry
    from generator.secrets.vault.lineage import Lineage
    from generator.secrets.vault.model import ValueRecord, Vault


@dataclass(frozen=True)
class Pending:
    """An external value that nobody has supplied yet, for want of which its secret is not sealed.

    Attributes:
        secret: `namespace/name`, or `machines/name`.
        value: Name of the value.
        env: Environment variable that it may be given in; "" if there is none.
        prompt: What to ask the user for.
        line: Its line in the catalogue.
        file: The file of the catalogue that has it.
        is_for_machines: Whether machines need it, so that it would be sealed nowhere.
    """

    secret: str
    value: str
    env: str
    prompt: str
    line: int
    file: str
    is_for_machines: bool


@dataclass(frozen=True)
class Elsewhere:
    """A value that another copy of the vault replaced; Git holds hashes of it, and they stay as they are.

    Attributes:
        secret: `namespace/name`.
        value: Name of the value.
        line: Its line in the catalogue.
        missing: Keys of the Secret that the catalogue asks for, and that only its owner could add.
        file: The file of the catalogue that has it.
    """

    secret: str
    value: str
    line: int
    missing: tuple[str, ...]
    file: str

    def finding(self) -> Finding:
        """Return it as a warning, or as an error where the manifest lacks a key because of it."""
        lacking = f"; its keys {', '.join(self.missing)} can't be sealed here" if self.missing else ""
        return Finding(
            self.file,
            self.line,
            "secrets/elsewhere",
            f"another copy of the vault replaced {self.value} of {self.secret}, and Git holds but a hash of it: this "
            f"vault has an older one{lacking}",
            path=f"{self.secret}: {self.value}",
            fix="Bring the newest copy of the vault here, or set a new value: "
            f"`fmc secret set {self.secret} {self.value}`, then `fmc seal`.",
            severity=Severity.ERROR if self.missing else Severity.WARNING,
        )


class SecretSealer:
    """One reconciliation: the parts of the vault's next state, as far as they are known.

    Attributes:
        authority: The cluster's own certificate authority, once something needed it.
        values: Plaintexts, see `Vault`.
        derived: Salted forms, see `Vault`.
        sealed: Sealed values, see `Vault`.
        pending: What is missing.
        elsewhere: What another copy of the vault alone has.
    """

    def __init__(self, vault: Vault, cluster: str, sealer: Sealer, now: datetime) -> None:
        self.authority = vault.ca
        self.values = dict(vault.values)
        self.derived: dict[str, dict[str, DerivedRecord]] = {}
        self.sealed: dict[str, dict[str, SealedRecord]] = {}
        self.pending: list[Pending] = []
        self.elsewhere: list[Elsewhere] = []
        self._vault = vault
        self._cluster = cluster
        self._sealer = sealer
        self._opener = Opener(vault)
        self._now = now

    def seal_secret(self, secret: Secret) -> Sealed | None:
        """Fill in, derive and seal one secret; None if it has to wait for an external value.

        A secret that was delivered before is not taken back because a value of it is pending: its keys stay as they
        were sealed, and the others are sealed as ever.
        """
        values = self.fill(secret)
        delivered = self._vault.sealed.get(secret.id)
        records = {}
        for key, datum in secret.data.items():
            plaintext = self._plaintext(secret, key, datum, values)
            if plaintext is not None:
                records[key] = self._seal(secret, key, datum, plaintext)
            elif delivered and key in delivered:
                records[key] = self._kept(secret, delivered[key])
        waits = any(pending.secret == secret.id for pending in self.pending)
        if not records or (waits and not delivered):
            return None
        self._note_elsewhere(secret, records)
        self.sealed[secret.id] = records
        return Sealed(
            self._sealer.fingerprint,
            {key: record.value for key, record in records.items()},
            {key: record.ciphertext for key, record in records.items()},
            {
                datum.source: lineage
                for key, datum in secret.data.items()
                if key in records and (lineage := self._lineage(secret, datum)) and not isinstance(datum, Constant)
            },
        )

    def fill(self, secret: Entry) -> dict[str, ValueRecord]:
        """Make the values of an entry that are missing, and return those that there are."""
        known = self.values.get(secret.id, {})
        found = {}
        for name, value in secret.values.items():
            if self._is_elsewhere(secret, name):
                continue
            record = known.get(name)
            filled = self._value(value, record if record and record.generator.is_like(value.generator) else None)
            if filled is None:
                waits = (value.env, value.prompt, value.line, secret.file, isinstance(secret, MachineSecret))
                self.pending.append(Pending(secret.id, name, *waits))
            else:
                found[name] = filled if filled.revision else self._with_lineage(secret, name, filled)
        if found:
            self.values[secret.id] = {**known, **found}
        return found

    def _value(self, value: Value, record: ValueRecord | None) -> ValueRecord | None:
        if value.generator is Generator.AUTHORITY:
            return self._authority(value, record)
        if value.generator is Generator.CERTIFICATE and record and not still_valid(record, value.names, self._now):
            record = None
        if record:
            # Neither another length nor another source in the catalogue rotates a text that is in use.
            return replace(record, generator=value.generator)
        made, self.authority = make(value, self.authority, self._cluster, self._now)
        return made

    def _authority(self, value: Value, record: ValueRecord | None) -> ValueRecord:
        """Return the authority that signs here and in the cluster: one alone, so that people trust one certificate.

        That of the cluster counts, which another copy of the vault may have made.
        """
        authority = of_value(record) if record else None
        if not authority or not outlives(authority, value.days, self._now):
            authority = suitable_authority(self.authority, self._cluster, value.days, self._now)
        self.authority = authority
        return record if record and of_value(record) == authority else as_value(authority, self._now)

    def _with_lineage(self, secret: Entry, name: str, record: ValueRecord) -> ValueRecord:
        """Return a value that was made just now as the one that replaces what was there before."""
        before = self._vault.lineage(secret.id, name)
        content = content_digest(self._vault.fingerprint_key, secret.id, name, record.secret)
        return record.with_lineage(descendant(content, record.created, [before] if before else []))

    def _is_elsewhere(self, secret: Entry, value: str) -> bool:
        return value in self._vault.elsewhere.get(secret.id, {})

    def _note_elsewhere(self, secret: Secret, records: Mapping[str, SealedRecord]) -> None:
        for name, value in secret.values.items():
            if self._is_elsewhere(secret, name):
                keys = (key for key, datum in secret.data.items() if _comes_from(datum, name) and key not in records)
                self.elsewhere.append(Elsewhere(secret.id, name, value.line, tuple(keys), secret.file))

    def _plaintext(
        self, secret: Secret, key: str, datum: Constant | Derived, values: Mapping[str, ValueRecord]
    ) -> Plaintext | None:
        """Return what is to be sealed; None if that is not known here."""
        if isinstance(datum, Constant):
            return Plaintext(datum.text.encode())
        record = self._vault.derived.get(secret.id, {}).get(key)
        if self._is_elsewhere(secret, datum.source):
            if record:
                self.derived.setdefault(secret.id, {})[key] = record
            return record.content if record else None
        if datum.source not in values:
            return None
        value = values[datum.source]
        if datum.form not in SALTED:
            return plain_form(datum.form, value, datum.registry)
        source = recipe_mark(self._vault.fingerprint_key, secret, key, datum, value.secret)
        if record is None or record.source != source:
            record = DerivedRecord(source=source, content=salted_form(datum, value.secret, f"{secret.id}: {key}"))
        self.derived.setdefault(secret.id, {})[key] = record
        return record.content

    def _lineage(self, secret: Secret, datum: Constant | Derived) -> str:
        """Return the text of the lineage of what a key comes from; "" for a constant."""
        if isinstance(datum, Constant):
            return ""
        lineage: Lineage | None = self._vault.elsewhere.get(secret.id, {}).get(datum.source)
        record = self.values.get(secret.id, {}).get(datum.source)
        lineage = lineage or (record.lineage if record else None)
        return lineage.text() if lineage else ""

    def _seal(self, secret: Secret, key: str, datum: Constant | Derived, plaintext: Plaintext) -> SealedRecord:
        lineage = self._lineage(secret, datum)
        mark = sealed_mark(self._vault.fingerprint_key, secret.id, key, lineage, plaintext, secret.scope)
        record = self._vault.sealed.get(secret.id, {}).get(key)
        if record and (record.certificate, record.value) == (self._sealer.fingerprint, mark):
            return record
        return self._sealed(secret, mark, plaintext)

    def _kept(self, secret: Secret, record: SealedRecord) -> SealedRecord:
        """Return what was delivered for a value that is pending now, under the sealing key in use."""
        if record.certificate == self._sealer.fingerprint:
            return record
        plaintext = self._opener.unsealed(record.ciphertext, secret.label)
        return self._sealed(secret, record.value, plaintext) if plaintext else record

    def _sealed(self, secret: Secret, mark: str, plaintext: Plaintext) -> SealedRecord:
        return SealedRecord(
            certificate=self._sealer.fingerprint,
            value=mark,
            ciphertext=self._sealer.seal(plaintext, secret.label),
        )


def _comes_from(datum: Constant | Derived, value: str) -> bool:
    return isinstance(datum, Derived) and datum.source == value
