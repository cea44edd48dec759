"""Workspaces in a folder whose name has a blank: commands of remedies have to work there, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.delivery.conftest import own_git  # noqa: F401 (a fixture for all tests here)
from tests.delivery.workspace import PARTS, Workspace, make_workspace
from tests.secrets.conftest import other_key, sealing_key, workspace  # noqa: F401 (fixtures)
from tests.tools.conftest import server as release_server  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path) -> Workspace:
    """Three repositories, delivered once, each with a commit that is not delivered yet."""
    lab = make_workspace(tmp_path / "my lab")
    lab.commit()
    lab.push("first")
    for part in PARTS:
        lab.edit(part)
    lab.commit()
    return lab
