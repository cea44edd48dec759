"""`fmc secret`: list the secrets of a cluster, set one, or show one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.pipeline.steps.session import Session
    from generator.secrets.listing import SecretRow
    from generator.secrets.set_value import SetReport
    from generator.secrets.show import Shown


def list_values(session: Session) -> tuple[SecretRow, ...]:
    """List every value of the catalogue, without plaintexts.

    Args:
        session: The workspace; without the operator's identity the list tells what the repository alone shows.

    Raises:
        FmcError: The workspace has no catalogue, or its vault can't be opened with the identity that is there.
    """
    from generator.secrets.listing import list_secrets

    return list_secrets(session.store, datetime.now(UTC))


def set_one(session: Session, secret: str, value: str | None, content: bytes) -> SetReport:
    """Put one value into the vault.

    Args:
        session: The workspace.
        secret: `namespace/name` of the secret.
        value: Name of the value within it; None where there is only one.
        content: What was typed or piped.

    Raises:
        FmcError: There is no such value, the content can't be one, or the vault can't be opened or written.
    """
    from generator.pipeline.steps.delivered import delivered_secrets
    from generator.secrets.set_value import set_value

    store = session.store
    with session.workspace.locked():
        delivered = delivered_secrets(session.repositories.targets, store.root)
        return set_value(store, secret, value, content, datetime.now(UTC), session.supplied, delivered)


def show_one(session: Session, secret: str, value: str | None, *, public: bool = False) -> Shown:
    """Return one value in the clear; nothing is written.

    Args:
        session: The workspace.
        secret: `namespace/name` of the secret.
        value: Name of the value within it; None where there is only one.
        public: Whether the public half of a key pair is meant.

    Raises:
        FmcError: There is no such value, or the vault can't be opened.
    """
    from generator.pipeline.steps.delivered import delivered_secrets
    from generator.secrets.show import show_value

    store = session.store
    delivered = delivered_secrets(session.repositories.targets, store.root)
    return show_value(store, secret, value, datetime.now(UTC), delivered, public=public)
