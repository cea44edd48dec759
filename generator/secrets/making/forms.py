"""Deriving the keys of a Secret from its values.

The salted forms (bcrypt, htpasswd) come out differently each time, so they are made once and kept in the vault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import Form
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from generator.secrets.catalogue.model import Derived
    from generator.secrets.vault.model import ValueRecord

SALTED = frozenset({Form.BCRYPT, Form.HTPASSWD})
BCRYPT_BYTES = 72


def plain_form(form: Form, record: ValueRecord) -> Plaintext:
    """Return a form that follows from the value alone.

    Args:
        form: Any but the salted ones.
        record: The value.
    """
    match form:
        case Form.MTIME:
            return Plaintext(record.created.strftime("%Y-%m-%dT%H:%M:%SZ").encode())
        case Form.PUBLIC:
            return Plaintext(record.public["public"].encode())
        case Form.CERT:
            return Plaintext((record.public["cert"] + record.public["ca"]).encode())
        case Form.CA:
            return Plaintext(record.public["ca"].encode())
        case _:
            return record.secret


def salted_form(datum: Derived, secret: Plaintext, where: str) -> Plaintext:
    """Hash a value with a new salt.

    The variants of bcrypt differ in a prefix alone, and each reader has its own: Argo CD documents `$2a`, Apache's
    htpasswd `$2y`.

    Args:
        datum: Form, cost and user.
        secret: The value.
        where: `namespace/name: key`, for the message.

    Raises:
        BadInputError: The value is longer than the 72 bytes that bcrypt covers.
    """
    import bcrypt

    if len(secret.reveal()) > BCRYPT_BYTES:
        raise BadInputError(
            f"the value {datum.source} is longer than the {BCRYPT_BYTES} bytes that bcrypt covers",
            where=where,
            fix="Supply a shorter value.",
        )
    hashed = bcrypt.hashpw(secret.reveal(), bcrypt.gensalt(datum.cost, prefix=b"2a"))
    if datum.form is Form.HTPASSWD:
        hashed = datum.user.encode() + b":$2y$" + hashed.removeprefix(b"$2a$")
    return Plaintext(hashed)
