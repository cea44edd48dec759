"""One lab for all tests here: its hosts are started once, and each file goes on from a converged lab."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.bed.machine import raise_loopback, require_own_network
from tests.e2e.bed.waiting import wait_for
from tests.evidence import evidence_of
from tests.lab import bench, peer
from tests.lab.backends import WELL, Backend, serve
from tests.lab.hosts.image import make_image
from tests.lab.hosts.lab import Lab
from tests.lab.k3s_binary import REAL, Binary, provide
from tests.lab.operator import Operator, Play
from tests.lab.pair import Pair
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.hosts.host import Host

_SITE = pytest.StashKey[dict[str, Play]]()
"""The runs of site.yml, for the table at the end."""


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
def measured(request: pytest.FixtureRequest) -> dict[str, Play]:
    """The runs of site.yml by what they are called; what is put here is in the table at the end."""
    return request.config.stash.setdefault(_SITE, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what site.yml took."""
    if plays := terminalreporter.config.stash.get(_SITE, {}):
        terminalreporter.section("site.yml in the lab")
        for line in [*bench.table(plays), "", *peer.table(plays)]:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def converged(
    lab: Lab, operator: Operator, binary: Binary, measured: dict[str, Play], evidence: Callable[[str], None]
) -> Play:
    """The first run of site.yml, which all other tests go on from."""
    play = measured["first"] = operator.converge("site")
    evidence(
        f"site.yml took {play.seconds:.0f} s on {len(lab.hosts)} hosts, with {play.changed} changes "
        f"({'the real K3s' if REAL else 'the stand-in for K3s'}): {play.slowest()}"
    )
    return play


@pytest.fixture(scope="session")
def servers(lab: Lab) -> list[Host]:
    """The servers of K3s."""
    return lab.group("k3s_servers")


@pytest.fixture(scope="session")
def agents(lab: Lab) -> list[Host]:
    """The agents of K3s."""
    return lab.group("k3s_agents")


@pytest.fixture(scope="session")
def pair(converged: Play, lab: Lab) -> Pair:
    """The load balancers."""
    return Pair(lab.group("loadbalancers"), lab.plan)


@pytest.fixture(scope="module")
def backends(pair: Pair, lab: Lab, folder: Path) -> Iterator[dict[str, Backend]]:
    """Stand-ins behind the load balancers, by machine, in place of what runs there otherwise."""
    files = folder / "backends"
    files.mkdir(exist_ok=True)
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab"]
    subprocess.run(
        ["openssl", *new, "-keyout", str(files / "key.pem"), "-out", str(files / "cert.pem")],
        check=True,
        capture_output=True,
    )
    ports = {name: row["port"] for name, row in lab.plan["ports"].items()}
    servers, agents = lab.group("k3s_servers"), lab.group("k3s_agents")
    units = [(host, "k3s") for host in servers] + [(host, "k3s-agent") for host in agents]
    for host, unit in units:
        host.do("systemctl", "stop", unit)
    behind_api = {"tls": ports["api"], "health": ports["etcd_metrics"]}
    behind_ingress = {"plain": ports["ingress_http"], "tls": ports["ingress_https"]}
    started = {host.name: serve(host.name, host.address, files, behind_api) for host in servers}
    started |= {host.name: serve(host.name, host.address, files, behind_ingress) for host in agents}
    for name in ("api", "https"):
        pair.wait_for_all(name)
    yield started
    for backend in started.values():
        backend.stop()
    for host, unit in units:
        # One server alone has no quorum, and does not get ready before the others start.
        host.do("systemctl", "start", "--no-block", unit)
    wait_for(
        "Kubernetes to be back",
        lambda: all(host.inside("systemctl", "is-active", unit).returncode == 0 for host, unit in units),
    )


@pytest.fixture
def whole(pair: Pair, backends: dict[str, Backend]) -> Iterator[None]:
    """The next test begins with everything in order."""
    yield
    for backend in backends.values():
        backend.become(WELL)
    for host in pair.hosts:
        if host.running:
            host.inside("systemctl", "start", "haproxy", "keepalived")
    for name in ("api", "https"):
        pair.wait_for_all(name)


@pytest.fixture(scope="session")
def evidence(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a line of evidence, with the seconds since the start."""
    return evidence_of(request)
