"""Deleting the run references that earlier runs left on a remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.delivery.remote.send import Update, send
from generator.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from generator.delivery.remote.shipment import Shipment
    from generator.delivery.state import RunReference


def still_there(shipment: Shipment, made: Iterable[RunReference]) -> dict[str, str]:
    """Return the run references that a remote has, with their commits, as far as they are proven to be fmc's.

    The record decides, and neither name nor ancestry: a reference is fmc's if the state file names it, and it still
    points to what fmc put there. The branch that is delivered never is one.

    Args:
        shipment: The repository, with what its remote answered.
        made: What the state file has recorded.
    """
    return {
        one.name: one.commit
        for one in made
        if one.url == shipment.target.url
        and one.name != shipment.reference
        and shipment.remote.references.get(one.name) == one.commit
    }


def delete_run_references(
    shipment: Shipment, made: Collection[RunReference], keep: Collection[str] = ()
) -> list[tuple[str, str]]:
    """Delete the run references of fmc's own on one remote.

    Args:
        shipment: The repository, with what its remote answered.
        made: What the state file has recorded.
        keep: Names that the present run uses again.

    Returns:
        Names that had to stay, each with the reason in the server's words: nothing depends on their deletion.
    """
    stayed = []
    for name, commit in still_there(shipment, made).items():
        if name in keep:
            continue
        try:
            reason = send(shipment.target, shipment.repo, Update(name, commit=None, expected=commit))
        except RemoteError as error:
            reason = error.message
        if reason is not None:
            stayed.append((name, reason))
    return stayed
