"""Merging two copies of a vault, in which two operators have each replaced or added something: nothing is lost.

Of each value the lineage tells which copy has the newer one. Where neither follows the other, a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from msgspec.structs import replace

from generator.errors import DisputeError, VaultError
from generator.findings import Finding
from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.sealing.disputes import Reason
from generator.secrets.vault.file import open_vault, save_vault
from generator.secrets.vault.history import KEPT
from generator.secrets.vault.lineage import descendant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from generator.secrets.store import Store
    from generator.secrets.vault.lineage import Lineage
    from generator.secrets.vault.model import AuthorityRecord, KeyRecord, ValueRecord, Vault
    from generator.secrets.vault.plaintext import Plaintext

    Place = tuple[str, str]


@dataclass(frozen=True)
class Choice:
    """What a person decided about values that don't follow each other: `namespace/name` of their secrets.

    Attributes:
        keep: This vault's counts.
        take: The other one's counts.
    """

    keep: frozenset[str] = frozenset()
    take: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MergeReport:
    """What a merge did.

    Attributes:
        taken: `namespace/name: value` of what this vault has from the other one now.
        keys: Names of sealing keys that it has from the other one now.
        strangers: Recipients of the other copy who can't open this one; they stay out.
        changed: Whether this vault is another one now.
    """

    taken: tuple[str, ...]
    keys: tuple[str, ...]
    strangers: tuple[str, ...]
    changed: bool


def merge_vaults(store: Store, other: Path, choice: Choice, now: datetime) -> MergeReport:
    """Take what another copy of the vault has newer, or besides.

    Args:
        store: Where this vault and the catalogue lie.
        other: The other copy; the same identity opens it.
        choice: What a person decided.
        now: The present, UTC.

    Raises:
        DisputeError: Both have replaced the same value, and nobody said which counts; nothing was written.
        VaultError: One of them can't be opened, or they are no copies of one vault.
        WriteError: The disk refused.
    """
    cluster = store.catalogue().cluster
    mine = store.open(cluster)
    theirs = open_vault(other, store.identities.path, cluster=cluster)
    merged, disputed = merged_vault(mine, theirs, choice, now.replace(microsecond=0))
    if disputed:
        raise DisputeError(
            "the two copies have values that don't follow each other; nothing was written",
            [_finding(*place) for place in disputed],
            fix="Decide about each one as said above, then run the same command again.",
        )
    if merged != mine:
        save_vault(store.vault, merged)
    names = {key.name for key in mine.sealing_keys}
    return MergeReport(
        taken=tuple(
            f"{secret}: {name}"
            for secret, name in _places(merged.values)
            if mine.values.get(secret, {}).get(name) != merged.values[secret][name]
        ),
        keys=tuple(key.name for key in merged.sealing_keys if key.name not in names),
        strangers=tuple(key for key in theirs.recipients if key not in mine.recipients),
        changed=merged != mine,
    )


def merged_vault(mine: Vault, theirs: Vault, choice: Choice, now: datetime) -> tuple[Vault, tuple[Place, ...]]:
    """Merge two copies of a vault in memory.

    Who opens the result is who opens this one: whoever was taken out here does not come back with an older copy.

    Args:
        mine: This vault.
        theirs: The other one.
        choice: What a person decided.
        now: The present, UTC, whole seconds.

    Returns:
        The vault, and the values about which a person has to decide.

    Raises:
        VaultError: They are no copies of one vault.
    """
    if mine.fingerprint_key != theirs.fingerprint_key:
        raise VaultError(
            "the other file is no copy of this vault: it was made by itself, with keys of its own",
            fix="Bring over what it has by `fmc secret show` there, and `fmc secret set` here.",
        )
    run = _Merge(mine, theirs, choice, now)
    for place in dict.fromkeys((*_places(mine.values), *_places(theirs.values), *_places(theirs.elsewhere))):
        run.value(place)
    for place in _places(theirs.prepared):
        run.prepared(place)
    retired = {**theirs.retired, **mine.retired}
    keys = tuple(key for key in _sealing_keys(mine, theirs) if key.fingerprint not in retired)
    current = _current_key(keys, mine, theirs)
    waiting = mine.next_key or theirs.next_key
    vault = replace(
        run.vault,
        sealing_keys=keys,
        next_key="" if waiting == current else waiting,
        current_key=current,
        compromised={**theirs.compromised, **mine.compromised},
        retired=retired,
        ca=_authority(mine.ca, theirs.ca),
        history=_history(run.vault, mine, theirs),
    )
    return vault, tuple(run.disputed)


class _Merge:
    """One merge, value by value."""

    def __init__(self, mine: Vault, theirs: Vault, choice: Choice, now: datetime) -> None:
        self.vault = mine
        self.disputed: list[Place] = []
        self._mine = mine
        self._theirs = theirs
        self._choice = choice
        self._now = now

    def value(self, place: Place) -> None:
        """Let the newer one of two values count."""
        mine, theirs = self._mine.lineage(*place), self._theirs.lineage(*place)
        if theirs is None or (mine and mine.covers(theirs) and not self._lacks(place, theirs)):
            return
        if mine is None or theirs.covers(mine) or (mine.content == theirs.content and mine.content):
            self._take(place, theirs)
        elif place[0] in self._choice.take:
            self._take(place, descendant(theirs.content, self._now, [theirs, mine]))
        elif place[0] in self._choice.keep:
            self._keep(place, descendant(mine.content, self._now, [mine, theirs]))
        else:
            self.disputed.append(place)

    def prepared(self, place: Place) -> None:
        """Take a key that waits for its registration; of two, a person has to know which one was registered."""
        secret, name = place
        mine = self.vault.prepared.get(secret, {}).get(name)
        theirs = self._theirs.prepared[secret][name]
        counts = self.vault.values.get(secret, {}).get(name)
        if (counts and counts.secret == theirs.secret) or (mine and mine.secret == theirs.secret):
            return
        if mine is None or secret in self._choice.take:
            self.vault = self.vault.with_prepared(secret, name, theirs)
        elif secret not in self._choice.keep:
            self.disputed.append(place)

    def _lacks(self, place: Place, theirs: Lineage) -> bool:
        """Return whether this vault knows of that very value, and has not got it."""
        secret, name = place
        known = self._mine.elsewhere.get(secret, {}).get(name)
        is_there = name not in self._theirs.elsewhere.get(secret, {})
        return known is not None and known.revision == theirs.revision and is_there

    def _take(self, place: Place, lineage: Lineage) -> None:
        secret, name = place
        if name in self._theirs.elsewhere.get(secret, {}):
            elsewhere = {**self.vault.elsewhere.get(secret, {}), name: lineage}
            self.vault = replace(self.vault, elsewhere={**self.vault.elsewhere, secret: elsewhere})
        else:
            record = self._theirs.values[secret][name].with_lineage(lineage)
            prepared = self.vault.prepared
            self.vault = self.vault.with_value(secret, name, record)
            if not self._was_prepared(place, record):
                self.vault = replace(self.vault, prepared=prepared)
        # What was derived and sealed of another value is seen by its mark, and made again.
        derived = {**self.vault.derived.get(secret, {}), **self._theirs.derived.get(secret, {})}
        sealed = {**self.vault.sealed.get(secret, {}), **self._theirs.sealed.get(secret, {})}
        if derived:
            self.vault = replace(self.vault, derived={**self.vault.derived, secret: derived})
        if sealed:
            self.vault = replace(self.vault, sealed={**self.vault.sealed, secret: sealed})

    def _was_prepared(self, place: Place, record: ValueRecord) -> bool:
        secret, name = place
        mine = self._mine.prepared.get(secret, {}).get(name)
        return mine is not None and mine.secret == record.secret

    def _keep(self, place: Place, lineage: Lineage) -> None:
        secret, name = place
        if name in self.vault.elsewhere.get(secret, {}):
            elsewhere = {**self.vault.elsewhere[secret], name: lineage}
            self.vault = replace(self.vault, elsewhere={**self.vault.elsewhere, secret: elsewhere})
        else:
            record = self.vault.values[secret][name].with_lineage(lineage)
            values = {**self.vault.values[secret], name: record}
            self.vault = replace(self.vault, values={**self.vault.values, secret: values})


def _places(outer: Mapping[str, Mapping[str, object]]) -> list[Place]:
    return [(secret, name) for secret, inner in outer.items() for name in inner]


def _current_key(keys: tuple[KeyRecord, ...], mine: Vault, theirs: Vault) -> str:
    """Return the key that took another one's place last, in either vault; keys come oldest first."""
    named = {mine.current_key, theirs.current_key}
    return next((key.name for key in reversed(keys) if key.name in named), "")


def _sealing_keys(mine: Vault, theirs: Vault) -> tuple[KeyRecord, ...]:
    keys = {key.name: key for key in mine.sealing_keys}
    for key in theirs.sealing_keys:
        if keys.setdefault(key.name, key).certificate != key.certificate:
            raise VaultError(
                f"both copies have a sealing key {key.name}, and it is not the same one",
                fix="Keep the copy whose certificate is committed (secrets/sealing-cert.pem): only that key opens "
                "what is in Git.",
            )
    return tuple(sorted(keys.values(), key=lambda key: key.created))


def _authority(mine: AuthorityRecord | None, theirs: AuthorityRecord | None) -> AuthorityRecord | None:
    """Return the newer authority; what the older one signed has its certificate beside it."""
    if mine is None or theirs is None:
        return mine or theirs
    return max(mine, theirs, key=_begin) if _begin(mine) != _begin(theirs) else mine


def _begin(authority: AuthorityRecord) -> datetime:
    return x509.load_pem_x509_certificate(authority.certificate.encode()).not_valid_before_utc


def _history(merged: Vault, mine: Vault, theirs: Vault) -> dict[str, dict[str, tuple[ValueRecord, ...]]]:
    """Return the versions that either has, and those of both that count no more."""
    history: dict[str, dict[str, tuple[ValueRecord, ...]]] = {}
    for secret, name in dict.fromkeys((*_places(mine.values), *_places(theirs.values))):
        counts = merged.values[secret][name].secret if name in merged.values.get(secret, {}) else None
        found: dict[Plaintext, ValueRecord] = {}
        for vault in (mine, theirs):
            current = vault.values.get(secret, {}).get(name)
            for record in (*([current] if current else []), *vault.history.get(secret, {}).get(name, ())):
                if record.secret != counts:
                    found.setdefault(record.secret, record)
        if found:
            newest = sorted(found.values(), key=lambda record: record.created, reverse=True)
            history.setdefault(secret, {})[name] = tuple(newest[:KEPT])
    return history


def _finding(secret: str, name: str) -> Finding:
    return Finding(
        CATALOGUE,
        0,
        Reason.BOTH_CHANGED.value,
        f"{name} of {secret} was replaced in both copies; neither knew of the other",
        path=f"{secret}: {name}",
        fix=f"Decide: `--keep {secret}` lets this vault's count, `--take {secret}` the other one's.",
    )
