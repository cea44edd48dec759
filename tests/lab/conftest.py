"""One lab for all tests here: its hosts are started once, and each file goes on from a converged lab."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.bed.machine import raise_loopback, require_own_network
from tests.evidence import evidence_of
from tests.lab.hosts.image import make_image
from tests.lab.hosts.lab import Lab
from tests.lab.k3s_binary import REAL, Binary, provide
from tests.lab.operator import Operator, Play
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session", autouse=True)
def _loopback() -> None:
    """The network of these tests is new, and even this interface is down; with another one they do not go on."""
    require_own_network()
    raise_loopback()


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest, evidence: Callable[[str], None]) -> Iterator[Path]:
    """Where everything of the lab lies; kept when a test fails."""
    folder = Path(tempfile.mkdtemp(prefix="fmc-lab-"))
    yield folder
    if request.session.testsfailed:
        evidence(f"files and consoles of the hosts are kept in {folder}")
    else:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def operator(folder: Path) -> Operator:
    """Who runs Ansible, with repositories rendered from examples/ha.yaml."""
    operator = Operator(folder)
    operator.make_repositories()
    return operator


@pytest.fixture(scope="session")
def lab(folder: Path, operator: Operator, evidence: Callable[[str], None]) -> Iterator[Lab]:
    """All hosts, up, and servers outside; nothing is done to the hosts yet."""
    image = make_image(tools_folder().parent)
    lab = Lab(folder, operator.infra / "plan.json", image, operator.public_key)
    try:
        begin = time.monotonic()
        lab.make_networks()
        lab.start()
        operator.meet(lab)
        evidence(f"{len(lab.hosts)} hosts came up in {time.monotonic() - begin:.1f} s")
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="session")
def binary(lab: Lab, operator: Operator) -> Binary:
    """The K3s that machines install, as the inventory says."""
    binary = provide(lab.shared, lab.plan["k3s"]["version"])
    for group in ("k3s_servers", "k3s_agents"):
        operator.set_variables(group, binary.variables())
    return binary


@pytest.fixture(scope="session")
def converged(lab: Lab, operator: Operator, binary: Binary, evidence: Callable[[str], None]) -> Play:
    """The first run of site.yml, which all other tests go on from."""
    play = operator.converge("site")
    evidence(
        f"site.yml took {play.seconds:.0f} s on {len(lab.hosts)} hosts, with {play.changed} changes "
        f"({'the real K3s' if REAL else 'the stand-in for K3s'})"
    )
    return play


@pytest.fixture(scope="session")
def evidence(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a line of evidence, with the seconds since the start."""
    return evidence_of(request)
