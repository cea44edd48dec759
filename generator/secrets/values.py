"""Setting a value by hand: what the user supplies, or a password of their own choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue import Generator
from generator.secrets.document import did_you_mean
from generator.secrets.vault import ValueRecord

if TYPE_CHECKING:
    from datetime import datetime

    from generator.secrets.catalogue import Catalogue
    from generator.secrets.plaintext import Plaintext
    from generator.secrets.vault import Vault

_SETTABLE = (Generator.PASSWORD, Generator.EXTERNAL)


def set_value(
    vault: Vault, catalogue: Catalogue, secret_id: str, name: str, plaintext: Plaintext, now: datetime
) -> Vault:
    """Put a value into the vault; the next reconcile seals what depends on it.

    Args:
        vault: The vault.
        catalogue: What values there are.
        secret_id: `namespace/name` of the secret.
        name: Name of the value within it.
        plaintext: The value; an equal one changes nothing.
        now: The present, UTC, whole seconds.

    Returns:
        The vault's next state.

    Raises:
        BadInputError: There is no such value, it is empty, or it is a key pair.
    """
    secrets = {secret.id: secret for secret in catalogue.secrets}
    if secret_id not in secrets:
        raise BadInputError(f"the catalogue has no secret {secret_id}", fix=did_you_mean(secret_id, secrets))
    values = secrets[secret_id].values
    if name not in values:
        raise BadInputError(f"{secret_id} has no value {name}", fix=did_you_mean(name, values))
    generator = values[name].generator
    if generator not in _SETTABLE:
        raise BadInputError(f"{name} of {secret_id} is made by {generator}; it can't be set by hand")
    if not plaintext.reveal():
        raise BadInputError(f"the value for {name} of {secret_id} is empty")
    known = vault.values.get(secret_id, {})
    record = known.get(name)
    if record and record.generator is generator and record.secret == plaintext:
        return vault
    record = ValueRecord(generator=generator, created=now, secret=plaintext)
    return vault.model_copy(update={"values": {**vault.values, secret_id: {**known, name: record}}})
