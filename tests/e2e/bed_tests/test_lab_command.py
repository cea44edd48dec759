"""`python -m tests.lab` runs several labs, and none of them fails unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab import __main__ as command

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((0, 0, 0), 0), ((1, 0, 0), 1), ((0, 1, 0), 1), ((0, 0, 1), 1), ((-9, 0, 0), -9), ((0, 0, -9), -9)],
)
def test_the_exit_code_is_that_of_a_run_that_failed(
    codes: Sequence[int], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = iter(codes)
    monkeypatch.setenv("FMC_LAB", "")
    monkeypatch.setattr(command, "require_all", lambda: None)
    monkeypatch.setattr(command, "make_image", lambda _: None)
    monkeypatch.setattr(command, "run_inside", lambda _: next(coming))
    assert command.main([]) == expected
    assert list(coming) == []
