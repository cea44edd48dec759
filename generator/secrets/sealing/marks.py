"""Keyed marks that tie what is sealed, or derived, to where it came from: only copies of one vault make the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.secrets.catalogue.scope import Scope
from generator.secrets.vault.fingerprint import DERIVED, SEALED, fingerprint

if TYPE_CHECKING:
    from generator.secrets.catalogue.model import Derived, Secret
    from generator.secrets.vault.plaintext import Plaintext


def sealed_mark(
    vault_key: Plaintext, secret_id: str, key: str, lineage: str, plaintext: Plaintext, scope: Scope
) -> str:
    """Return the mark of a sealed value, as it stands in the manifest.

    It covers the lineage: nobody without the vault can pass an old value off as the newest one.

    Args:
        vault_key: The vault's fingerprint key.
        secret_id: `namespace/name` of the Secret.
        key: Key within the Secret.
        lineage: Text of the lineage of the value that it comes from; "" for a constant.
        plaintext: What is sealed.
        scope: What it is bound to.
    """
    wide = () if scope is Scope.STRICT else (scope.encode(),)
    place = (*_place(secret_id), key.encode())
    return fingerprint(vault_key, SEALED, *place, lineage.encode(), plaintext.reveal(), *wide)


def recipe_mark(vault_key: Plaintext, secret: Secret, key: str, datum: Derived, value: Plaintext) -> str:
    """Return the mark of what a salted form was made from.

    Args:
        vault_key: The vault's fingerprint key.
        secret: The entry of the catalogue.
        key: Key within the Secret.
        datum: Form, cost and user.
        value: The value that is hashed.
    """
    recipe = (datum.form.encode(), str(datum.cost).encode(), datum.user.encode(), value.reveal())
    return fingerprint(vault_key, DERIVED, *_place(secret.id), key.encode(), *recipe)


def _place(secret_id: str) -> tuple[bytes, bytes]:
    namespace, _, name = secret_id.partition("/")
    return namespace.encode(), name.encode()
