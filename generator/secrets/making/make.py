"""Making the value that an entry of the catalogue asks for, whichever generator it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import Generator
from generator.secrets.making.authority import as_value, issue, suitable_authority
from generator.secrets.making.generators import password, ssh_key, token, wireguard_key

if TYPE_CHECKING:
    from datetime import datetime

    from generator.secrets.catalogue.model import Value
    from generator.secrets.vault.model import AuthorityRecord, ValueRecord


def make(
    value: Value, authority: AuthorityRecord | None, cluster: str, now: datetime
) -> tuple[ValueRecord | None, AuthorityRecord | None]:
    """Make a value.

    Args:
        value: What is asked for.
        authority: The cluster's own certificate authority, if it has one yet.
        cluster: Name of the cluster.
        now: The present, UTC, whole seconds.

    Returns:
        The value, None where somebody else issues it; and the authority, another one where that was needed.
    """
    match value.generator:
        case Generator.CERTIFICATE:
            authority = suitable_authority(authority, cluster, value.days, now)
            return issue(authority, value.names, value.days, now), authority
        case Generator.AUTHORITY:
            authority = suitable_authority(authority, cluster, value.days, now)
            return as_value(authority, now), authority
        case Generator.SSH_KEY:
            return ssh_key(value.comment, now), authority
        case Generator.WIREGUARD_KEY:
            return wireguard_key(now), authority
        case Generator.PASSWORD:
            return password(value.length, now), authority
        case Generator.TOKEN:
            return token(now), authority
        case Generator.EXTERNAL:
            return None, authority
