"""One Gitea for all tests that need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import require_tool
from tests.forges.gitea import Server, gitea
from tests.pipeline.conftest import first_run, pushed

if TYPE_CHECKING:
    from collections.abc import Iterator

# A cluster that was delivered to remotes on this disk.
__all__ = ["first_run", "pushed"]


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real Gitea; each test makes repositories of its own."""
    with gitea(require_tool("gitea"), tmp_path_factory.mktemp("gitea")) as server:
        yield server
