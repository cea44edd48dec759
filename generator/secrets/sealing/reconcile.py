"""Reconcile: what vault and sealed manifests have to be, given the catalogue; without touching a file.

What is right already stays: a value that is there is not made again, and a sealed value is kept, ciphertext and all,
as long as its plaintext, its place and the sealing key are the same. So the manifests follow from catalogue and vault
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import CATALOGUE, CERTIFICATE, Constant, Generator, Secret, Value
from generator.secrets.making.authority import issue, still_valid, suitable_authority
from generator.secrets.making.forms import SALTED, plain_form, salted_form
from generator.secrets.making.generators import external, password, ssh_key
from generator.secrets.sealing.crypto import Scope, Sealer
from generator.secrets.sealing.manifest import Sealed, render
from generator.secrets.vault.fingerprint import DERIVED, SEALED, fingerprint
from generator.secrets.vault.keys import certificate_fingerprint
from generator.secrets.vault.model import DerivedRecord, SealedRecord
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from generator.secrets.catalogue.model import Catalogue, Derived
    from generator.secrets.vault.model import KeyRecord, ValueRecord, Vault


@dataclass(frozen=True)
class Pending:
    """An external value that nobody has supplied yet, for want of which its secret is not sealed.

    Attributes:
        secret: `namespace/name`.
        value: Name of the value.
        env: Environment variable that it may be given in; "" if there is none.
        prompt: What to ask the user for.
        line: Its line in the catalogue.
    """

    secret: str
    value: str
    env: str
    prompt: str
    line: int


@dataclass(frozen=True)
class Reconciled:
    """What has to be.

    Attributes:
        vault: The vault's next state; equal to the given one if nothing changed.
        key: The sealing key in use.
        manifests: Content of each sealed manifest, by path below the catalogue's root.
        pending: What is missing.
        made: Secrets (`namespace/name`) that were sealed for the first time.
        changed: Secrets of which at least one value was sealed anew, or dropped.
        kept: Secrets whose sealed values are what they were.
    """

    vault: Vault
    key: KeyRecord
    manifests: Mapping[str, bytes]
    pending: tuple[Pending, ...]
    made: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]


def reconcile(
    catalogue: Catalogue,
    vault: Vault,
    certificate: bytes | None,
    now: datetime,
    external_values: Mapping[str, str],
) -> Reconciled:
    """Work out vault and sealed manifests.

    Args:
        catalogue: What is needed.
        vault: What there is.
        certificate: The committed sealing certificate in PEM, None if there is none yet.
        now: The present, UTC, whole seconds; time of making of new values.
        external_values: Values that the user supplies, by name of environment variable. One that differs from the
            vault's replaces it; an empty one counts as not given.

    Raises:
        BadInputError: The committed certificate is none of the vault's, the vault lacks the sealing key that the
            catalogue names, or a supplied value can't be used.
    """
    key = active_key(catalogue, vault)
    if certificate is not None:
        require_own_certificate(certificate, vault)
    run = _Run(vault, catalogue.cluster, Sealer(key.certificate.encode()), now, external_values)
    manifests = {}
    for secret in catalogue.secrets:
        if sealed := run.seal_secret(secret):
            manifests[secret.manifest_path] = render(secret, sealed)
    before = vault.sealed
    return Reconciled(
        vault=vault.model_copy(
            update={"ca": run.authority, "values": run.values, "derived": run.derived, "sealed": run.sealed}
        ),
        key=key,
        manifests=manifests,
        pending=tuple(run.pending),
        made=tuple(name for name in run.sealed if name not in before),
        changed=tuple(name for name, sealed in run.sealed.items() if name in before and sealed != before[name]),
        kept=tuple(name for name, sealed in run.sealed.items() if sealed == before.get(name)),
    )


def active_key(catalogue: Catalogue, vault: Vault) -> KeyRecord:
    """Return the sealing key that the catalogue names: everything is sealed to it.

    Raises:
        BadInputError: The vault has no such key.
    """
    key = vault.sealing_key(catalogue.key_name)
    if key is None:
        known = ", ".join(record.name for record in vault.sealing_keys)
        raise BadInputError(
            f"the catalogue names the sealing key {catalogue.key_name}, the vault holds {known}",
            where=CATALOGUE,
            fix="Name one of the vault's keys in sealing_key.name.",
        )
    return key


def require_own_certificate(certificate: bytes, vault: Vault) -> None:
    """Refuse a committed certificate that somebody swapped: everything sealed to it could be read by them.

    Args:
        certificate: The committed certificate in PEM.
        vault: The vault, whose keys are the trusted ones.

    Raises:
        BadInputError: It is no certificate, or its key is none of the vault's.
    """
    fix = f"Find out who changed it (git log {CERTIFICATE}), restore or delete the file, and run `fmc seal` again."
    try:
        committed = certificate_fingerprint(certificate)
    except ValueError:
        raise BadInputError("the committed sealing certificate can't be read", where=CERTIFICATE, fix=fix) from None
    own = [certificate_fingerprint(key.certificate.encode()) for key in vault.sealing_keys]
    if committed not in own:
        raise BadInputError(
            f"the committed sealing certificate ({committed}) is none of the vault's ({', '.join(own)})",
            where=CERTIFICATE,
            fix=fix,
        )


class _Run:
    """One reconciliation: the parts of the vault's next state, as far as they are known."""

    def __init__(
        self, vault: Vault, cluster: str, sealer: Sealer, now: datetime, external_values: Mapping[str, str]
    ) -> None:
        self.authority = vault.ca
        self.values = dict(vault.values)
        self.derived: dict[str, dict[str, DerivedRecord]] = {}
        self.sealed: dict[str, dict[str, SealedRecord]] = {}
        self.pending: list[Pending] = []
        self._vault = vault
        self._cluster = cluster
        self._sealer = sealer
        self._now = now
        self._external = external_values

    def seal_secret(self, secret: Secret) -> Sealed | None:
        """Fill in, derive and seal one secret; None if it has to wait for an external value.

        A secret that was delivered before is not taken back because a new value of it is pending: its other keys are
        sealed as ever.
        """
        values = self._fill(secret)
        waiting = len(values) < len(secret.values)
        plaintexts = {
            key: self._plaintext(secret, key, datum, values)
            for key, datum in secret.data.items()
            if isinstance(datum, Constant) or datum.source in values
        }
        if not plaintexts or (waiting and secret.id not in self._vault.sealed):
            return None
        records = {key: self._seal(secret, key, plaintext) for key, plaintext in plaintexts.items()}
        self.sealed[secret.id] = records
        return Sealed(
            self._sealer.fingerprint,
            {key: record.value for key, record in records.items()},
            {key: record.ciphertext for key, record in records.items()},
        )

    def _fill(self, secret: Secret) -> dict[str, ValueRecord]:
        known = self.values.get(secret.id, {})
        found = {}
        for name, value in secret.values.items():
            record = known.get(name)
            filled = self._value(value, record if record and record.generator is value.generator else None)
            if filled:
                found[name] = filled
            else:
                self.pending.append(Pending(secret.id, name, value.env, value.prompt, value.line))
        if found:
            self.values[secret.id] = {**known, **found}
        return found

    def _value(self, value: Value, record: ValueRecord | None) -> ValueRecord | None:
        match value.generator:
            case Generator.EXTERNAL:
                given = self._external.get(value.env, "").encode(errors="surrogateescape")
                if given and not (record and record.secret.reveal() == given):
                    return external(given, self._now)
                return record
            case Generator.CERTIFICATE:
                if record and still_valid(record, value.names, self._now):
                    return record
                self.authority = suitable_authority(self.authority, self._cluster, value.days, self._now)
                return issue(self.authority, value.names, value.days, self._now)
            case Generator.PASSWORD:
                # A length that changed in the catalogue does not rotate a password that is in use.
                return record or password(value.length, self._now)
            case Generator.SSH_KEY:
                return record or ssh_key(value.comment, self._now)

    def _plaintext(
        self, secret: Secret, key: str, datum: Constant | Derived, values: Mapping[str, ValueRecord]
    ) -> Plaintext:
        if isinstance(datum, Constant):
            return Plaintext(datum.text.encode())
        value = values[datum.source]
        if datum.form not in SALTED:
            return plain_form(datum.form, value)
        recipe = (datum.form.encode(), str(datum.cost).encode(), datum.user.encode(), value.secret.reveal())
        source = self._fingerprint(DERIVED, secret, key, *recipe)
        record = self._vault.derived.get(secret.id, {}).get(key)
        if record is None or record.source != source:
            content = salted_form(datum, value.secret, f"{secret.id}: {key}")
            record = DerivedRecord(source=source, content=content)
        self.derived.setdefault(secret.id, {})[key] = record
        return record.content

    def _seal(self, secret: Secret, key: str, plaintext: Plaintext) -> SealedRecord:
        value = self._fingerprint(SEALED, secret, key, plaintext.reveal())
        record = self._vault.sealed.get(secret.id, {}).get(key)
        if record and (record.certificate, record.value) == (self._sealer.fingerprint, value):
            return record
        return SealedRecord(
            certificate=self._sealer.fingerprint,
            value=value,
            ciphertext=self._sealer.seal(plaintext, Scope.STRICT.label(secret.namespace, secret.name)),
        )

    def _fingerprint(self, domain: bytes, secret: Secret, key: str, *parts: bytes) -> str:
        place = (secret.namespace.encode(), secret.name.encode(), key.encode())
        return fingerprint(self._vault.fingerprint_key, domain, *place, *parts)
