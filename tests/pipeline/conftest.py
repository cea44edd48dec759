"""Fixtures of the whole command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pipeline.world import Finished, World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A machine with three empty remotes."""
    return World(tmp_path / "world").make()


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Finished]:
    """A machine on which `fmc new --push` has run, and what that left. Look at it, and leave it as it is."""
    made = World(tmp_path_factory.mktemp("first") / "world").make()
    done = made.new("--push")
    assert done.code == 0, done.err
    return made, done


@pytest.fixture
def pushed(first_run: tuple[World, Finished], tmp_path: Path) -> World:
    """A machine of one's own on which `fmc new --push` has run."""
    return first_run[0].copy(tmp_path / "world")
