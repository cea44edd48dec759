"""`python -m tests.e2e test` runs each file once, and none of its sessions fails unseen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import __main__ as command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path(command.__file__).parent
FILES = sorted(str(path) for path in FOLDER.glob("test_*.py"))
Ran = list[tuple[str, str]]


@pytest.fixture
def run_all(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, int]], tuple[int, Ran]]:
    """Run everything with exit codes by session; returns the last one, and what ran."""
    ran: Ran = []

    def with_codes(codes: dict[str, int]) -> tuple[int, Ran]:
        def run(name: str, words: Sequence[str]) -> int:
            ran.extend((name, word) for word in words if word.endswith(".py"))
            return codes[name]

        monkeypatch.setenv("FMC_E2E", "")
        monkeypatch.setattr(command, "require_all", lambda: None)
        monkeypatch.setattr(command, "run_session", run)
        return command.main(["test"]), ran

    return with_codes


def test_every_file_is_run_once(run_all: Callable[[dict[str, int]], tuple[int, Ran]]) -> None:
    code, ran = run_all({"bed": 0, "beside": 0})
    assert code == 0
    assert sorted(file for _, file in ran) == FILES


@pytest.mark.parametrize(("codes", "expected"), [((1, 0), 1), ((0, 1), 1), ((-9, 2), -9)])
def test_a_failure_comes_back_when_all_sessions_are_at_their_end(
    codes: tuple[int, int], expected: int, run_all: Callable[[dict[str, int]], tuple[int, Ran]]
) -> None:
    code, ran = run_all({"bed": codes[0], "beside": codes[1]})
    assert code == expected
    assert sorted(file for _, file in ran) == FILES
