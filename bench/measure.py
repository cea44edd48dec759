"""Timing two things alternately, so that other load on the machine hits both alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class Case:
    """A benchmark.

    Attributes:
        name: What is compared, as `ours / the peer`.
        ours: Does our work once, and returns the seconds it took.
        peer: Does the peer's work once, and returns the seconds it took; a constant function for an absolute goal.
        goal: What the ratio should not exceed.
        rounds: How often each is run.
    """

    name: str
    ours: Callable[[], float]
    peer: Callable[[], float]
    goal: float
    rounds: int = 7


@dataclass(frozen=True)
class Outcome:
    """The medians of a case, in seconds, and their ratio."""

    name: str
    ours: float
    peer: float
    ratio: float
    goal: float

    @property
    def reached(self) -> bool:
        """Whether the goal was reached."""
        return self.ratio <= self.goal


def run(case: Case) -> Outcome:
    """Run a case: once to warm up, then alternately."""
    case.ours(), case.peer()
    pairs = [(case.ours(), case.peer()) for _ in range(case.rounds)]
    ours = statistics.median(pair[0] for pair in pairs)
    peer = statistics.median(pair[1] for pair in pairs)
    return Outcome(case.name, ours, peer, ours / peer, case.goal)


def timed(command: Sequence[str], environment: Mapping[str, str], *, cwd: str | None = None) -> float:
    """Run a command to its end and return its wall time in seconds.

    Raises:
        subprocess.CalledProcessError: It failed; its output says why.
    """
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return seconds
