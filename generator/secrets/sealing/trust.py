"""Whose key is sealed to: the one that the catalogue names, and no other than the vault's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import CATALOGUE, CERTIFICATE
from generator.secrets.vault.keys import certificate_end, certificate_fingerprint

if TYPE_CHECKING:
    from datetime import datetime

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.model import KeyRecord, Vault


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
            fix="Take it from the copy of the vault that has it (`fmc vault merge FILE`), or name one of this vault "
            "in sealing_key.name.",
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


def require_current(key: KeyRecord, now: datetime) -> None:
    """Refuse to seal to a certificate whose time is over, as kubeseal does; what is sealed to it still opens.

    Args:
        key: The sealing key in use.
        now: The present, UTC.

    Raises:
        BadInputError: It ended.
    """
    ended = certificate_end(key.certificate.encode())
    if ended < now:
        raise BadInputError(
            f"the certificate of the sealing key {key.name} ended on {ended:%Y-%m-%d}; nothing was sealed to it",
            where=CERTIFICATE,
            fix="Replace the key: `fmc keys rekey`, and what it says then. No value changes by that.",
        )
