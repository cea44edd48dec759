"""The streams of the whole command: one document with `--output json`, and no traceback where one is closed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.world import EXAMPLE, FMC

if TYPE_CHECKING:
    from tests.pipeline.world import World


@pytest.mark.parametrize(
    "typed",
    [
        "check --output json --nonsense",
        "check --output=json --engine other",
        "--output json",
        "frobnicate --output json",
        "secret set --output json",
        "keys export --output json",
        "check --answers missing.yaml --output json",
    ],
)
def test_an_error_is_one_document_too(world: World, typed: str) -> None:
    """Faults E11: errors of usage and those of `keys export` went round the console."""
    done = world.fmc(*typed.split())
    document = json.loads(done.out)
    assert done.code == document["exit_code"] == 2
    assert document["error"]
    assert "fmc:" not in done.err


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", [f"check --answers {EXAMPLE}", "new", "push", "secret set a/b", "--help"])
def test_a_closed_stream_gives_no_traceback(world: World, arguments: str, closed: str) -> None:
    """Faults E10: a closed stdin or stdout ended in a traceback."""
    done = world.run("sh", "-c", f"exec {FMC} {arguments} {closed}")
    world.require_presentable(done)
    assert done.code in (0, 2)


def test_without_stderr_progress_does_not_get_among_the_results(world: World) -> None:
    """Faults E11: it stood on stdout, before the document."""
    done = world.run("sh", "-c", f"exec {FMC} check --answers {EXAMPLE} --output json 2>&-")
    assert json.loads(done.out)["findings"] == []
