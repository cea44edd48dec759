"""Waiting with a bound: a hang says who waits for what."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from tests.e2e.bed.errors import BedError

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")
_PAUSE = 0.2


def wait_for(
    what: str,
    probe: Callable[[], _Value],
    *,
    timeout: float = 120.0,
    pause: float = _PAUSE,
    report: Callable[[], str] | None = None,
) -> _Value:
    """Ask until the answer is true, and return it.

    Args:
        what: What is waited for, to complete "waited 120 s for …".
        probe: Asks. What it raises ends the wait: a probe of something that may be down returns a false value instead.
        timeout: Seconds.
        pause: Seconds between two questions.
        report: Describes the state of things when the time is up.

    Raises:
        BedError: The time is up.
    """
    begin = time.monotonic()
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() - begin > timeout:
            state = f"\n{report()}" if report else ""
            raise BedError(f"waited {timeout:g} s for {what}, in vain{state}")
        time.sleep(pause)


def holds_for(what: str, probe: Callable[[], object], *, seconds: float, pause: float = _PAUSE) -> None:
    """Ask for some time; the answer must stay true.

    Args:
        what: What must hold.
        probe: Asks.
        seconds: For how long.
        pause: Seconds between two questions.

    Raises:
        BedError: It did not hold.
    """
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        if not probe():
            raise BedError(f"{what}: true for {passed:.1f} s, and no longer")
        time.sleep(pause)
