"""Fixtures of the whole command."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A machine with three empty remotes."""
    made = World(tmp_path)
    made.make_remotes()
    return made


@pytest.fixture(scope="session")
def _pushed(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("pushed") / "world")
    made.folder.mkdir()
    made.make_remotes()
    done = made.new("--push")
    assert done.code == 0, done.err
    return made


@pytest.fixture
def pushed(_pushed: World, tmp_path: Path) -> Iterator[World]:
    """A machine on which `fmc new --push` has run."""
    shutil.copytree(_pushed.folder, tmp_path / "world", symlinks=True)
    yield World(tmp_path / "world")
