"""Values that were replaced stay in the vault for a while: a new one may turn out to be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from generator.secrets.vault.model import ValueRecord, Vault

KEPT = 8
"""So many replaced versions of a value are kept."""


def remember(before: Vault | None, after: Vault) -> Vault:
    """Return a vault that also has what was replaced since an earlier state of it.

    Args:
        before: What is in the file; None if there is none.
        after: What is to be in the file.
    """
    if before is None:
        return after
    history = {secret_id: dict(versions) for secret_id, versions in after.history.items()}
    for secret_id, values in before.values.items():
        for name, record in values.items():
            current = after.values.get(secret_id, {}).get(name)
            # Left out of `values` altogether is what was renamed.
            if current is None or current.secret == record.secret:
                continue
            versions = history.setdefault(secret_id, {})
            versions[name] = _with(versions.get(name, ()), record)
    return replace(after, history=history) if history != after.history else after


def _with(versions: tuple[ValueRecord, ...], record: ValueRecord) -> tuple[ValueRecord, ...]:
    others = (version for version in versions if version.secret != record.secret)
    return (record, *others)[:KEPT]
