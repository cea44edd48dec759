"""The state file of a delivery: how far a run got, so that the same command goes on after a kill, and what it made.

What is true is on the remotes, and they are asked every time; the file adds what they can't tell: which run it was,
which references of theirs are fmc's own and may be deleted, and where fmc saw their branches last. It holds no secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from generator.errors import BadInputError
from generator.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = 2


@dataclass(frozen=True)
class Goal:
    """What a run is to bring where; two runs with the same goal are one and the same delivery.

    Attributes:
        url: The remote.
        branch: The branch.
        commit: What the branch is to have.
    """

    url: str
    branch: str
    commit: str


@dataclass(frozen=True, order=True)
class RunReference:
    """A reference that a run makes, or may have made, on a remote, with the commit that it then has."""

    url: str
    name: str
    commit: str


@dataclass(frozen=True)
class Seen:
    """What a remote answered when fmc's commit had been delivered to it.

    Attributes:
        commit: The commit that was delivered.
        tip: Where the branch was; a descendant of the commit where somebody else pushed on top of it.
    """

    commit: str
    tip: str


@dataclass
class Delivery:
    """What is known of a workspace's deliveries.

    Attributes:
        run: Id of the last run.
        finished: Whether it came to its end.
        needed: What it was to bring there, as far as the remotes did not have it, by the names of the repositories.
        made: Run references that may still be on the remotes.
        seen: Where the remotes' branches were last, by remote and branch.
    """

    run: str
    finished: bool = False
    needed: dict[str, Goal] = field(default_factory=dict)
    made: list[RunReference] = field(default_factory=list)
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)


class StateFile:
    """The file `state.json` of a workspace.

    Attributes:
        path: Where it is, or will be with the first step of the first delivery.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Delivery | None:
        """Return what is known of this workspace's deliveries, or None before the first.

        Raises:
            BadInputError: The file is not what `write` makes.
        """
        try:
            return _parsed(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BadInputError(
                f"the state file {self.path} can't be read, or another version of fmc wrote it",
                where=str(self.path),
                fix="Remove it: the remotes are asked in any case. A branch fmc-run-* of an unfinished run may stay "
                "there; delete it by hand.",
            ) from error

    def write(self, delivery: Delivery) -> None:
        """Replace the file by this state, in one step.

        Raises:
            WriteError: The disk refused; the earlier state is still there.
        """
        seen = [{"url": url, "branch": branch, **asdict(one)} for (url, branch), one in sorted(delivery.seen.items())]
        document = {
            "version": _VERSION,
            "run": delivery.run,
            "finished": delivery.finished,
            "needed": {name: asdict(goal) for name, goal in delivery.needed.items()},
            "made": [asdict(one) for one in sorted(delivery.made)],
            "seen": seen,
        }
        write_atomic(self.path, json.dumps(document, indent=2, sort_keys=True).encode() + b"\n")

    def unfinished_run(self) -> str | None:
        """Return the id of the run to resume, or None where the last one ended well or there was none."""
        delivery = self.read()
        return delivery.run if delivery is not None and not delivery.finished else None


def _parsed(document: dict[str, Any]) -> Delivery:
    if document["version"] != _VERSION:
        raise ValueError(document["version"])
    return Delivery(
        run=_text(document["run"]),
        finished=document["finished"] is True,
        needed={_text(name): Goal(**_texts(goal)) for name, goal in document["needed"].items()},
        made=[RunReference(**_texts(one)) for one in document["made"]],
        seen={
            (_text(one["url"]), _text(one["branch"])): Seen(_text(one["commit"]), _text(one["tip"]))
            for one in document["seen"]
        },
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _texts(fields: dict[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in fields.items()}
