"""Who answers at an address: tried on the loopback interface, with a table of neighbours that is made up."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from generator.tools.addresses import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = """IP address       HW type     Flags       HW address            Mask     Device
127.0.0.2        0x1         0x2         52:54:00:AA:00:02     *        eth0
127.0.0.3        0x1         0x0         00:00:00:00:00:00     *        eth0
"""


@pytest.fixture
def neighbours(tmp_path: Path) -> Path:
    path = tmp_path / "arp"
    path.write_text(TABLE)
    return path


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def closed() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_port_that_takes_a_connection_is_an_answer(port: int, closed: int, neighbours: Path) -> None:
    targets = {"127.0.0.1": {port, closed}, "127.0.0.2": {closed}, "127.0.0.3": {closed}}
    assert ask(targets, neighbours=neighbours) == [
        Answer("127.0.0.1", port, ""),
        Answer("127.0.0.2", 0, "52:54:00:aa:00:02"),
    ]


def test_a_refused_connection_is_none_by_itself(closed: int, tmp_path: Path) -> None:
    """A router on the way can refuse it, as libvirt's rules do."""
    assert ask({"127.0.0.1": {closed}}, neighbours=tmp_path / "nowhere") == []
    assert ask({}) == []
