"""Sealed manifests that the catalogue does not ask for: fmc deletes what its vault sealed, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import SEALED_SUFFIX
from generator.secrets.sealing.committed import Opener, is_ours, read_committed
from generator.secrets.sealing.disputes import Dispute, Reason

if TYPE_CHECKING:
    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.sealing.committed import CommittedSecret
    from generator.secrets.sealing.disputes import Preference
    from generator.secrets.sealing.takeover import Snapshot
    from generator.secrets.vault.model import Vault


@dataclass(frozen=True)
class Leaving:
    """What becomes of the sealed manifests that no entry of the catalogue has.

    Attributes:
        deleted: Paths of those that this vault sealed, and all of whose values it knows.
        foreign: Paths of those that it did not seal; they stay.
        disputes: Those of which Git holds a value that this vault never had.
    """

    deleted: tuple[str, ...]
    foreign: tuple[str, ...]
    disputes: tuple[Dispute, ...]


def leaving(catalogue: Catalogue, vault: Vault, present: Snapshot, preference: Preference) -> Leaving:
    """Judge the sealed manifests that the catalogue does not ask for.

    Args:
        catalogue: What is wanted.
        vault: The vault.
        present: The sealed manifests of the work tree, by path.
        preference: What a person decided.
    """
    wanted = {secret.manifest_path for secret in catalogue.secrets}
    opener = Opener(vault)
    deleted, foreign, disputes = [], [], []
    for path in sorted(set(present) - wanted):
        secret_id = secret_of(path)
        committed = read_committed(present[path], *secret_id.split("/")) if secret_id else None
        if committed is None or not is_ours(committed, secret_id, opener):
            foreign.append(path)
        elif (value := _ahead(committed, secret_id, vault)) and secret_id not in preference.vault:
            disputes.append(Dispute(Reason.LEFT_AHEAD, secret_id, value, path, can_take=False))
        else:
            deleted.append(path)
    return Leaving(tuple(deleted), tuple(foreign), tuple(disputes))


def secret_of(path: str) -> str:
    """Return the `namespace/name` that a sealed manifest has to be of, by its path; "" where it is at no such place."""
    match path.removesuffix(SEALED_SUFFIX).split("/"):
        case ["secrets", namespace, name]:
            return f"{namespace}/{name}"
    return ""


def _ahead(committed: CommittedSecret, secret_id: str, vault: Vault) -> str:
    """Return the name of a value of which Git holds one that the vault never had; "" if there is none."""
    for value in committed.lineages:
        git, mine = committed.lineage(value), vault.lineage(secret_id, value)
        if git and not (mine and mine.covers(git)):
            return value
    return ""
