"""The addresses of Services lead to the programs behind them."""

from __future__ import annotations

import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.bed.services import Services, routes, selects

if TYPE_CHECKING:
    from collections.abc import Iterator

POD: dict[str, Any] = {
    "metadata": {"labels": {"app": "webhook", "pod-template-hash": "1"}},
    "spec": {"containers": [{"ports": [{"name": "https", "containerPort": 10250}, {"containerPort": 9402}]}]},
}


def service(**spec: Any) -> dict[str, Any]:
    """Return a Service as the API server has it."""
    ports = [{"port": 443, "targetPort": "https", "protocol": "TCP"}]
    return {"spec": {"clusterIP": "10.43.0.9", "selector": {"app": "webhook"}, "ports": ports, **spec}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, True),
        ({"selector": {"app": "webhook", "tier": "front"}}, False),
        ({"selector": {}}, False),
        ({"clusterIP": "None"}, False),
    ],
    ids=["its labels", "one label more", "no selector", "no address"],
)
def test_a_service_selects_pods_by_all_of_its_labels(spec: dict[str, Any], expected: bool) -> None:
    assert selects(service(**spec), POD) is expected


def test_a_port_is_found_by_name_by_number_and_as_its_own_target() -> None:
    ports = [
        {"port": 443, "targetPort": "https"},
        {"port": 80, "targetPort": 8080},
        {"port": 9402},
        {"port": 53, "protocol": "UDP"},
        {"port": 81, "targetPort": "unknown"},
    ]
    assert list(routes(service(ports=ports), POD)) == [
        (("10.43.0.9", 443), 10250),
        (("10.43.0.9", 80), 8080),
        (("10.43.0.9", 9402), 9402),
    ]


class Upper(socketserver.StreamRequestHandler):
    """Answers each line in capitals."""

    def handle(self) -> None:
        """Answer."""
        for line in self.rfile:
            self.wfile.write(line.upper())


@pytest.fixture
def program() -> Iterator[int]:
    """Run a program behind a Service, and give its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Upper) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def free_port(address: str) -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((address, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_connection_to_a_service_reaches_the_program(program: int) -> None:
    address = ("127.0.0.9", free_port("127.0.0.9"))
    ports = [{"port": address[1], "targetPort": program}]
    services = Services()
    services.lead_to(POD, [service(clusterIP=address[0], ports=ports)])
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"hello\n")
        assert connection.recv(100) == b"HELLO\n"
    services.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)


def test_where_no_program_listens_the_connection_ends() -> None:
    address = ("127.0.0.9", free_port("127.0.0.9"))
    ports = [{"port": address[1], "targetPort": free_port("127.0.0.1")}]
    services = Services()
    services.lead_to(POD, [service(clusterIP=address[0], ports=ports)])
    with socket.create_connection(address, timeout=5) as connection:
        assert connection.recv(100) == b""
    services.stop()
