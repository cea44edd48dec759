"""One bed for all tests here, in the order of their files: each goes on from what the one before left."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.bed.bed import Bed
from tests.e2e.bed.machine import raise_loopback
from tests.e2e.rollout import Rollout, roll_out
from tests.e2e.user import User
from tests.evidence import evidence_of
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# `make test` runs them, without a bed.
collect_ignore = ["bed_tests"] if os.environ.get("FMC_E2E") == "1" else []
_NUMBER = re.compile(r"test_(\d+)_")


def pytest_configure(config: pytest.Config) -> None:
    """Leave arguments of functions out of what is printed when a test fails: passwords are among them."""
    if os.environ.get("FMC_E2E") == "1":
        config.option.tbstyle = "short"
        # A network of one's own begins without it, and not only the bed listens there.
        raise_loopback()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files follow each other by their numbers, and not by the digits of these; those without one come last."""
    if os.environ.get("FMC_E2E") == "1":
        items.sort(key=lambda item: int(found[1]) if (found := _NUMBER.match(item.path.name)) else sys.maxsize)


@pytest.fixture(scope="session")
def bed(request: pytest.FixtureRequest, evidence: Callable[[str], None]) -> Iterator[Bed]:
    """A running bed; its folder with the logs is kept when a test fails."""
    folder = Path(tempfile.mkdtemp(prefix="fmc-e2e-"))
    bed = Bed(folder, tools_folder())
    try:
        bed.start()
        yield bed
    finally:
        bed.stop()
        if request.session.testsfailed:
            evidence(f"logs and files of the bed are kept in {folder}")
        else:
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def evidence(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a line of evidence, with the seconds since the start."""
    return evidence_of(request)


@pytest.fixture(scope="session")
def rollout(bed: Bed, evidence: Callable[[str], None]) -> Rollout:
    """A cluster after its first rollout."""
    return roll_out(bed, User(bed), evidence)
