"""The template's repository and a person who uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.copier.person import Person, make_person
from tests.copier.releases import Releases, make_releases

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    return make_releases(tmp_path_factory.mktemp("releases"))


@pytest.fixture
def person(releases: Releases, tmp_path: Path) -> Person:
    return make_person(tmp_path / "world", releases)
