"""The distribution, built and installed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.copier.conftest import person, releases
from tests.packaging.installation import build, copy_work_tree, make_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.packaging.installation import Installation

__all__ = ["person", "releases"]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the work tree; nobody but the builds writes into it."""
    return copy_work_tree(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="session")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(source, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return make_environment(wheel, tmp_path_factory.mktemp("installed") / "venv")
