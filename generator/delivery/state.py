"""The state file of a delivery: how far each repository got, so that the same command goes on after a kill.

What is true is on the remotes, and they are asked every time; the file adds what they can't tell: which run it was,
where the branches stood when it began, and which run branches may have been left behind. It holds no secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from generator.errors import BadInputError
from generator.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = 1


class Step(StrEnum):
    """How far one repository got, in order."""

    ASKED = "asked"
    OFFERED = "offered"
    DELIVERED = "delivered"


@dataclass(frozen=True)
class PartState:
    """One repository in a run.

    Attributes:
        url: Its remote.
        branch: Its branch.
        commit: What is being delivered.
        before: What the remote branch pointed to when the run began; None where there was no branch.
        needed: Whether the remote did not have the commit when the run began.
        step: What has been done.
    """

    url: str
    branch: str
    commit: str
    before: str | None
    needed: bool
    step: Step

    @property
    def goal(self) -> tuple[str, str, str]:
        """What is to be where; two runs with the same goal are one and the same delivery."""
        return self.url, self.branch, self.commit


@dataclass(frozen=True, order=True)
class Leftover:
    """A run branch that an earlier run may have left on a remote."""

    url: str
    reference: str
    commit: str


@dataclass
class Delivery:
    """A run: its repositories by name, and what earlier ones left behind."""

    run: str
    finished: bool = False
    parts: dict[str, PartState] = field(default_factory=dict)
    leftovers: list[Leftover] = field(default_factory=list)


class StateFile:
    """The file `state.json` of a workspace.

    Attributes:
        path: Where it is, or will be with the first step of the first delivery.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Delivery | None:
        """Return the last delivery of this workspace, or None before the first.

        Raises:
            BadInputError: The file is not what `write` makes.
        """
        try:
            return _parsed(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInputError(
                f"the state file {self.path} can't be read, or another version of fmc wrote it",
                where=str(self.path),
                fix="Remove it: the remotes are asked in any case. A branch gitops/* of an unfinished run may stay.",
            ) from error

    def write(self, delivery: Delivery) -> None:
        """Replace the file by this state, in one step.

        Raises:
            WriteError: The disk refused; the earlier state is still there.
        """
        document = {"version": _VERSION, **asdict(delivery)}
        write_atomic(self.path, json.dumps(document, indent=2, sort_keys=True).encode() + b"\n")

    def unfinished_run(self) -> str | None:
        """Return the id of the run to resume, or None where the last one ended well or there was none."""
        delivery = self.read()
        return delivery.run if delivery is not None and not delivery.finished else None


def _parsed(document: dict[str, Any]) -> Delivery:
    if document["version"] != _VERSION:
        raise ValueError(document["version"])
    return Delivery(
        run=document["run"],
        finished=document["finished"],
        parts={name: PartState(**{**part, "step": Step(part["step"])}) for name, part in document["parts"].items()},
        leftovers=[Leftover(**leftover) for leftover in document["leftovers"]],
    )
