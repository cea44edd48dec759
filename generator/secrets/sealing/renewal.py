"""Replacing values that are there: the next one is made, or the prepared one counts from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from generator.secrets.making.generators import external
from generator.secrets.making.make import make
from generator.secrets.vault.lineage import content_digest, descendant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.model import Vault

ValueId: TypeAlias = tuple[str, str]
"""`namespace/name` of a secret, and the name of a value within it."""


def renew(catalogue: Catalogue, vault: Vault, wanted: Mapping[ValueId, bytes | None], now: datetime) -> Vault:
    """Replace values of a vault.

    Args:
        catalogue: How each is made.
        vault: The vault, once it knows what Git holds.
        wanted: Which values; with the new one, where a person gave it.
        now: The present, UTC, whole seconds.
    """
    for secret in catalogue.entries:
        for name, value in secret.values.items():
            if (secret.id, name) not in wanted:
                continue
            given = wanted[secret.id, name]
            record, authority = vault.prepared.get(secret.id, {}).get(name), vault.ca
            if given is not None:
                record = external(given, now)
            elif record is None:
                record, authority = make(value, authority, catalogue.cluster, now)
            if record is None:
                continue
            before = vault.lineage(secret.id, name)
            content = content_digest(vault.fingerprint_key, secret.id, name, record.secret)
            if before and given is not None and before.content == content:
                # The environment supplied it as well, and it is in the vault by now.
                continue
            # What was prepared counts from now on: its age is that of its use.
            lineage = descendant(content, now, [before] if before else [])
            vault = replace(vault, ca=authority).with_value(secret.id, name, record.with_lineage(lineage))
    return vault
