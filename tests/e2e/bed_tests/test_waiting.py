"""A wait ends, and says who waited for what."""

from __future__ import annotations

import itertools

import pytest

from tests.e2e.bed.errors import BedError
from tests.e2e.bed.waiting import holds_for, wait_for


def test_it_returns_the_first_answer_that_is_true() -> None:
    answers = itertools.chain([0, None, "here"], itertools.repeat("later"))
    assert wait_for("it", lambda: next(answers), timeout=5, pause=0) == "here"


def test_when_the_time_is_up_it_says_what_for_and_how_things_are() -> None:
    with pytest.raises(BedError, match=r"waited 0 s for the pods of Traefik, in vain\npod a waits for Secret b"):
        wait_for("the pods of Traefik", lambda: False, timeout=0, pause=0, report=lambda: "pod a waits for Secret b")


def test_what_must_hold_is_asked_until_it_does_not() -> None:
    holds_for("it", lambda: True, seconds=0.02, pause=0.001)
    answers = iter([True, True, False])
    with pytest.raises(BedError, match=r"no later Application: true for .* s, and no longer"):
        holds_for("no later Application", lambda: next(answers), seconds=5, pause=0)
