"""Taking over what Git holds: newer values come into the vault, and what can't be told is left to a person.

The vault alone does not know what was delivered: it may be an old copy, and another operator may have sealed since.
Git knows, and the vault's keys open it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from generator.secrets.catalogue.model import Constant, Derived
from generator.secrets.making.forms import SALTED, made_to, plain_form, recover
from generator.secrets.sealing.committed import Opener, read_committed
from generator.secrets.sealing.disputes import Dispute, Preference, Reason
from generator.secrets.sealing.marks import recipe_mark
from generator.secrets.vault.lineage import content_digest, descendant
from generator.secrets.vault.model import DerivedRecord, SealedRecord, Vault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from generator.secrets.catalogue.model import Catalogue, Form, Secret, Value
    from generator.secrets.sealing.committed import CommittedSecret
    from generator.secrets.vault.lineage import Lineage
    from generator.secrets.vault.model import ValueRecord
    from generator.secrets.vault.plaintext import Plaintext

    Snapshot = Mapping[str, bytes]


@dataclass(frozen=True)
class TakenOver:
    """The vault, once it knows what Git holds.

    Attributes:
        vault: Its next state.
        taken: `namespace/name: value` of each value that Git had a newer one of.
        disputes: What a person has to decide.
    """

    vault: Vault
    taken: tuple[str, ...]
    disputes: tuple[Dispute, ...]


def take_over(
    catalogue: Catalogue, vault: Vault, committed: Sequence[Snapshot], preference: Preference, now: datetime
) -> TakenOver:
    """Compare a vault with what Git holds, and take newer values over.

    Args:
        catalogue: What is wanted.
        vault: The vault.
        committed: What Git holds, each a content by path below the catalogue's root: the work tree, and what was
            delivered.
        preference: What a person decided.
        now: The present, UTC, whole seconds.
    """
    key = vault.sealing_key(catalogue.key_name)
    run = _TakeOver(vault, preference, now, key.fingerprint if key else "")
    for secret in catalogue.secrets:
        path = secret.manifest_path
        for content in dict.fromkeys(snapshot[path] for snapshot in committed if path in snapshot):
            run.look(secret, content)
    return TakenOver(run.vault, tuple(dict.fromkeys(run.taken)), tuple(dict.fromkeys(run.disputes)))


def visible_lineages(secret: Secret, name: str, vault: Vault, committed: Sequence[Snapshot]) -> Iterator[Lineage]:
    """Yield the lineages of a value in what Git holds, as far as copies of this vault sealed it.

    Args:
        secret: The entry of the catalogue.
        name: Name of the value within it.
        vault: The vault.
        committed: What Git holds, see `take_over`.
    """
    opener = Opener(vault)
    for snapshot in committed:
        found = read_committed(snapshot.get(secret.manifest_path, b""), secret.namespace, secret.name)
        if found and (lineage := opener.lineage(secret.id, found, name, _sealed_keys(secret, name, found))):
            yield lineage


def _sealed_keys(secret: Secret, value: str, committed: CommittedSecret) -> dict[str, Derived]:
    """Return the keys of a Secret that are derived from a value and sealed in Git."""
    return {
        key: datum
        for key, datum in secret.data.items()
        if isinstance(datum, Derived) and datum.source == value and key in committed.ciphertexts
    }


class _TakeOver:
    """One comparison of a vault with Git."""

    def __init__(self, vault: Vault, preference: Preference, now: datetime, certificate: str) -> None:
        self.vault = vault
        self.taken: list[str] = []
        self.disputes: list[Dispute] = []
        self._preference = preference
        self._now = now
        self._certificate = certificate
        self._opener = Opener(vault)

    def look(self, secret: Secret, content: bytes) -> None:
        """Compare one secret with one sealed manifest of it."""
        committed = read_committed(content, secret.namespace, secret.name)
        if committed is None:
            self._dispute(Reason.UNREADABLE, secret)
            return
        for name, value in secret.values.items():
            if keys := _sealed_keys(secret, name, committed):
                self._value(secret, value, committed, keys)
        for key in committed.ciphertexts:
            datum = secret.data.get(key)
            if isinstance(datum, Constant):
                self._constant(secret, key, datum, committed)
            elif datum is None and not committed.by_fmc:
                self._dispute(Reason.FOREIGN, secret, key=key, line=committed.lines[key], can_take=False)

    def _constant(self, secret: Secret, key: str, datum: Constant, committed: CommittedSecret) -> None:
        """Keep the text that another copy of the vault sealed for a constant: it is as good as a new one."""
        if self._opener.is_ours(secret.id, committed, key, ""):
            plaintext = self._opener.plaintext(committed, key)
            if plaintext and plaintext.reveal() == datum.text.encode():
                self._keep_text(secret, key, committed)

    def _value(self, secret: Secret, value: Value, committed: CommittedSecret, keys: Mapping[str, Derived]) -> None:
        if all(self._is_known(secret, key, committed) for key in keys):
            return
        opened = {key: self._opener.plaintext(committed, key) for key in keys}
        readable = {key: plaintext for key, plaintext in opened.items() if plaintext is not None}
        if len(readable) < len(opened):
            closed = next(key for key in opened if key not in readable)
            self._dispute(Reason.UNREADABLE, secret, value.name, key=closed, line=committed.lines[closed])
        elif lineage := self._opener.lineage(secret.id, committed, value.name, keys):
            self._ours(secret, value, committed, readable, lineage)
        else:
            self._foreign(secret, value, committed, readable)

    def _is_known(self, secret: Secret, key: str, committed: CommittedSecret) -> bool:
        record = self.vault.sealed.get(secret.id, {}).get(key)
        return record is not None and (record.ciphertext, record.value) == (
            committed.ciphertexts[key],
            committed.marks.get(key),
        )

    def _ours(
        self, secret: Secret, value: Value, committed: CommittedSecret, opened: Mapping[str, Plaintext], git: Lineage
    ) -> None:
        """Compare a value with one that a copy of this vault sealed."""
        mine = self.vault.lineage(secret.id, value.name)
        if mine and mine.descends_from(git):
            return
        if mine is None or git.covers(mine) or self._agree(value, mine, git):
            self._take(secret, value, opened, git)
        elif secret.id in self._preference.git:
            self._take(secret, value, opened, descendant(git.content, git.created, [git, mine]))
        elif secret.id in self._preference.vault:
            self._put_above(secret, value, mine, git)
            return
        else:
            line = min(committed.lines[key] for key in opened)
            self._dispute(Reason.BOTH_CHANGED, secret, value.name, line=line)
            return
        for key in opened:
            self._keep_text(secret, key, committed)
        if mine is None or mine.revision != git.revision:
            self.taken.append(f"{secret.id}: {value.name}")

    def _agree(self, value: Value, mine: Lineage, git: Lineage) -> bool:
        """Return whether two values that don't know of each other are the same, or none that a person chose."""
        made_by_fmc = value.generator.is_signed or value.generator.is_key_pair
        return made_by_fmc or (mine.content == git.content and mine.content != "")

    def _take(self, secret: Secret, value: Value, opened: Mapping[str, Plaintext], lineage: Lineage) -> None:
        """Make a value of Git the vault's; where only hashes of it are there, note that it is elsewhere."""
        record = self._recovered(secret, value, opened, lineage)
        if record:
            self.vault = self.vault.with_value(secret.id, value.name, record)
        else:
            elsewhere = {**self.vault.elsewhere.get(secret.id, {}), value.name: lineage}
            self.vault = replace(self.vault, elsewhere={**self.vault.elsewhere, secret.id: elsewhere})
        forms = {}
        for key, content in opened.items():
            datum = secret.data[key]
            if not isinstance(datum, Derived):
                continue
            if record is None:
                forms[key] = DerivedRecord(source="", content=content)
            elif datum.form in SALTED and made_to(datum, content):
                source = recipe_mark(self.vault.fingerprint_key, secret, key, datum, record.secret)
                forms[key] = DerivedRecord(source=source, content=content)
        derived = {**self.vault.derived.get(secret.id, {}), **forms}
        if derived:
            self.vault = replace(self.vault, derived={**self.vault.derived, secret.id: derived})

    def _recovered(
        self, secret: Secret, value: Value, opened: Mapping[str, Plaintext], lineage: Lineage
    ) -> ValueRecord | None:
        own = self.vault.values.get(secret.id, {}).get(value.name)
        if own and own.generator.is_like(value.generator):
            content = content_digest(self.vault.fingerprint_key, secret.id, value.name, own.secret)
            if content == lineage.content:
                return own.with_lineage(lineage)
        record = recover(value, _by_form(secret, opened), lineage.created)
        return record.with_lineage(lineage) if record else None

    def _put_above(self, secret: Secret, value: Value, mine: Lineage, git: Lineage) -> None:
        """Let the vault's value replace that of Git, as a person decided."""
        lineage = descendant(mine.content, self._now, [mine, git])
        if value.name in self.vault.elsewhere.get(secret.id, {}):
            elsewhere = {**self.vault.elsewhere[secret.id], value.name: lineage}
            self.vault = replace(self.vault, elsewhere={**self.vault.elsewhere, secret.id: elsewhere})
        else:
            record = self.vault.values[secret.id][value.name].with_lineage(lineage)
            self.vault = self.vault.with_value(secret.id, value.name, record)

    def _foreign(
        self, secret: Secret, value: Value, committed: CommittedSecret, opened: Mapping[str, Plaintext]
    ) -> None:
        """Judge a value that no copy of this vault sealed: it may be the right one, or a person has to look."""
        if all(self._is_the_vaults(secret, value, key, plaintext) for key, plaintext in opened.items()):
            return
        record = recover(value, _by_form(secret, opened), self._now)
        # A certificate of somebody else's making would not be renewed by this cluster's authority.
        can_take = record is not None and not value.generator.is_signed
        if record and can_take and secret.id in self._preference.git:
            known = self.vault.lineage(secret.id, value.name)
            content = content_digest(self.vault.fingerprint_key, secret.id, value.name, record.secret)
            lineage = descendant(content, self._now, [known] if known else [])
            self.vault = self.vault.with_value(secret.id, value.name, record.with_lineage(lineage))
            self.taken.append(f"{secret.id}: {value.name}")
            return
        for key in opened:
            self._dispute(Reason.FOREIGN, secret, value.name, key=key, line=committed.lines[key], can_take=can_take)

    def _is_the_vaults(self, secret: Secret, value: Value, key: str, plaintext: Plaintext) -> bool:
        datum, record = secret.data[key], self.vault.values.get(secret.id, {}).get(value.name)
        if not isinstance(datum, Derived) or record is None or not record.generator.is_like(value.generator):
            return False
        if datum.form in SALTED:
            derived = self.vault.derived.get(secret.id, {}).get(key)
            return derived is not None and derived.content == plaintext
        return plain_form(datum.form, record, datum.registry) == plaintext

    def _keep_text(self, secret: Secret, key: str, committed: CommittedSecret) -> None:
        """Note a sealed text of Git, so that the same plaintext stays the same text, and two operators agree on one.

        What a commit has from before the sealing key or the scope changed is no news.
        """
        record = SealedRecord(
            certificate=committed.certificate, value=committed.marks[key], ciphertext=committed.ciphertexts[key]
        )
        known = self.vault.sealed.get(secret.id, {}).get(key)
        is_newer = known and (known.value, known.certificate) == (record.value, self._certificate)
        if (is_newer and record.certificate != self._certificate) or committed.scope is not secret.scope:
            return
        sealed = {**self.vault.sealed.get(secret.id, {}), key: record}
        self.vault = replace(self.vault, sealed={**self.vault.sealed, secret.id: sealed})

    def _dispute(
        self, reason: Reason, secret: Secret, value: str = "", *, key: str = "", line: int = 0, can_take: bool = True
    ) -> None:
        if secret.id not in self._preference.vault:
            takes = can_take and reason is not Reason.UNREADABLE
            self.disputes.append(Dispute(reason, secret.id, value, secret.manifest_path, line, takes, key=key))


def _by_form(secret: Secret, opened: Mapping[str, Plaintext]) -> dict[Form, Plaintext]:
    data = ((secret.data[key], plaintext) for key, plaintext in opened.items())
    return {datum.form: plaintext for datum, plaintext in data if isinstance(datum, Derived)}
