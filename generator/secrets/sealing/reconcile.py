"""Reconcile: what vault and sealed manifests have to be, given the catalogue and what Git holds; no file is touched.

What is right already stays: a value that is there is not made again, and a sealed value is kept, ciphertext and all,
as long as its plaintext, its place and the sealing key are the same. What Git has newer is taken over first, so the
manifests follow from catalogue, vault and Git, and nothing that was delivered is taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from generator.secrets.sealing.crypto import Sealer
from generator.secrets.sealing.disputes import NO_PREFERENCE, Preference
from generator.secrets.sealing.manifest import render
from generator.secrets.sealing.renewal import renew
from generator.secrets.sealing.secret_sealer import SecretSealer
from generator.secrets.sealing.supply import supply
from generator.secrets.sealing.takeover import take_over
from generator.secrets.sealing.trust import active_key, require_current, require_own_certificate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.sealing.disputes import Dispute
    from generator.secrets.sealing.renewal import ValueId
    from generator.secrets.sealing.secret_sealer import Elsewhere, Pending
    from generator.secrets.sealing.takeover import Snapshot
    from generator.secrets.vault.model import KeyRecord, Vault


@dataclass(frozen=True)
class Reconciled:
    """What has to be.

    Attributes:
        vault: The vault's next state; equal to the given one if nothing changed.
        key: The sealing key in use.
        manifests: Content of each sealed manifest, by path below the catalogue's root.
        pending: What is missing.
        elsewhere: Values that this vault has an old one of, for Git holds but hashes of the newest.
        taken: `namespace/name: value` of each value that was taken over from Git.
        disputes: What a person has to decide; nothing must be written while there are any.
        made: Secrets (`namespace/name`) that were sealed for the first time.
        changed: Secrets of which at least one value was sealed anew, or dropped.
        kept: Secrets whose sealed values are what they were.
        made_for_machines: Secrets of the machines (`machines/name`) of which a value was made; they are sealed nowhere.
    """

    vault: Vault
    key: KeyRecord
    manifests: Mapping[str, bytes]
    pending: tuple[Pending, ...]
    elsewhere: tuple[Elsewhere, ...]
    taken: tuple[str, ...]
    disputes: tuple[Dispute, ...]
    made: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    made_for_machines: tuple[str, ...]


def reconcile(
    catalogue: Catalogue,
    vault: Vault,
    certificate: bytes | None,
    now: datetime,
    external_values: Mapping[str, str],
    committed: Sequence[Snapshot] = (),
    preference: Preference = NO_PREFERENCE,
    renewed: Mapping[ValueId, bytes | None] = MappingProxyType({}),
) -> Reconciled:
    """Work out vault and sealed manifests.

    Args:
        catalogue: What is needed.
        vault: What there is.
        certificate: The committed sealing certificate in PEM, None if there is none yet.
        now: The present, UTC, whole seconds; time of making of new values.
        external_values: Values that the user supplies, by name of environment variable. One that is new replaces the
            vault's; an empty one counts as not given.
        committed: What Git holds, each a content by path below the catalogue's root.
        preference: What a person decided about values that are disputed.
        renewed: Values that are to be replaced; with the new one, where a person gave it.

    Raises:
        BadInputError: The committed certificate is none of the vault's or past its end, the vault lacks the sealing
            key that the catalogue names, or a supplied value can't be used.
    """
    key = active_key(catalogue, vault)
    if certificate is not None:
        require_own_certificate(certificate, vault)
    supplied, stale = supply(catalogue, vault, external_values, now)
    known = take_over(catalogue, supplied, committed, preference, now)
    vault = renew(catalogue, known.vault, renewed, now)
    run = SecretSealer(vault, catalogue.cluster, Sealer(key.certificate.encode()), now)
    manifests = {}
    for secret in catalogue.secrets:
        if sealed := run.seal_secret(secret):
            manifests[secret.manifest_path] = render(secret, sealed)
    for machine_secret in catalogue.machines:
        run.fill(machine_secret)
    before = known.vault.sealed
    if run.sealed != {name: before[name] for name in run.sealed if name in before}:
        require_current(key, now)
    return Reconciled(
        vault=replace(vault, ca=run.authority, values=run.values, derived=run.derived, sealed=run.sealed),
        key=key,
        manifests=manifests,
        pending=tuple(run.pending),
        elsewhere=tuple(run.elsewhere),
        taken=known.taken,
        disputes=(*stale, *known.disputes),
        made=tuple(name for name in run.sealed if name not in before),
        changed=tuple(name for name, sealed in run.sealed.items() if name in before and sealed != before[name]),
        kept=tuple(name for name, sealed in run.sealed.items() if sealed == before.get(name)),
        made_for_machines=tuple(
            entry.id for entry in catalogue.machines if run.values.get(entry.id) != known.vault.values.get(entry.id)
        ),
    )
