"""Values that the user supplies in the environment: new ones come into the vault, forgotten ones are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import Generator
from generator.secrets.making.generators import external
from generator.secrets.making.supplied import as_meant, login_fault
from generator.secrets.sealing.disputes import Dispute, Reason
from generator.secrets.vault.lineage import content_digest, descendant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.model import Vault


def supply(
    catalogue: Catalogue, vault: Vault, external_values: Mapping[str, str], now: datetime
) -> tuple[Vault, tuple[Dispute, ...]]:
    """Put the values that the user supplies in the environment into a vault.

    One that the vault has already is no news, and one that was replaced since is a variable that somebody forgot.

    Args:
        catalogue: Which variables there are.
        vault: The vault.
        external_values: Values by name of environment variable; an empty one counts as not given.
        now: The present, UTC, whole seconds.

    Raises:
        BadInputError: A value is not what its entry says.
    """
    disputes = []
    for secret in catalogue.entries:
        for name, value in secret.values.items():
            given = as_meant(external_values.get(value.env, "").encode(errors="surrogateescape"))
            if value.generator is not Generator.EXTERNAL or not given:
                continue
            if fault := login_fault(secret, name, given):
                raise BadInputError(f"the value for {name} of {secret.id} {fault}", where=value.env)
            record = external(given, now)
            content = content_digest(vault.fingerprint_key, secret.id, name, record.secret)
            known = vault.lineage(secret.id, name)
            if known and known.content == content:
                if name in vault.elsewhere.get(secret.id, {}):
                    vault = vault.with_value(secret.id, name, record.with_lineage(known))
                continue
            if known and known.had(content):
                disputes.append(
                    Dispute(Reason.STALE_VARIABLE, secret.id, name, secret.file, value.line, variable=value.env)
                )
                continue
            lineage = descendant(content, now, [known] if known else [])
            vault = vault.with_value(secret.id, name, record.with_lineage(lineage))
    return vault, tuple(disputes)
