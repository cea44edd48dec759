"""Hypervisors, each a libvirtd of its own; none of the hosts next door is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.hosts.hypervisor import Hypervisor
from tests.lab.hosts.image import make_image
from tests.lab.hosts.network import ip
from tests.template.conftest import renderer
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.template.conftest import Render

DISK_MIB = 256
BRIDGES = ("br0", "br1")
"""Those of the LAN, which hypervisors have before Terraform comes."""


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render the template."""
    return renderer(tmp_path_factory)


@pytest.fixture(scope="session")
def switch_on(folder: Path) -> Iterator[Callable[[str, int], Hypervisor]]:
    """Make hypervisors, by their names and the MiB of their disks; they all end with the tests."""
    image = make_image(tools_folder().parent)
    for bridge in BRIDGES:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
    started: list[Hypervisor] = []

    def make(name: str, disk_mib: int) -> Hypervisor:
        hypervisor = Hypervisor(folder / name, image, disk_mib)
        started.append(hypervisor)
        hypervisor.start()
        return hypervisor

    yield make
    for hypervisor in started:
        hypervisor.stop()


@pytest.fixture(scope="session")
def first(switch_on: Callable[[str, int], Hypervisor]) -> Hypervisor:
    """A hypervisor whose machines tests only look at: each goes on from the same cluster."""
    return switch_on("first", DISK_MIB)


@pytest.fixture(scope="session")
def second(switch_on: Callable[[str, int], Hypervisor]) -> Hypervisor:
    """A hypervisor for tests that change what is there."""
    return switch_on("second", DISK_MIB)


@pytest.fixture
def cleared(second: Hypervisor) -> Hypervisor:
    """It, with nothing on it."""
    second.clear()
    return second
