"""Stand-ins for what is behind the load balancers: an API server with its etcd, and a Traefik, on each machine."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
_HEADER_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
"""Begin of a PROXY header, version 2 (proxy-protocol.txt 2.2)."""
WELL = {"health": 200, "readyz": 401}
NO_QUORUM = {"health": 503, "readyz": 401}
JOINING = {"health": 0, "readyz": 401}


@dataclass
class Backend:
    """A server in the network namespace of a machine.

    Attributes:
        name: The machine; the namespace is called so.
        state: File that says with which status it answers; 0 refuses the connection's request.
        log: File with a line for each client that asked who answers: the address that the server sees it come from.
    """

    name: str
    state: Path
    log: Path
    _process: subprocess.Popen[bytes]

    def become(self, state: Mapping[str, int]) -> None:
        """Answer otherwise from now on."""
        self.state.write_text(json.dumps(dict(state)))

    def clients(self) -> list[str]:
        """Return the addresses of those who asked."""
        return self.log.read_text().split() if self.log.exists() else []

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def serve(name: str, address: str, folder: Path, ports: Mapping[str, int]) -> Backend:
    """Start one on a machine.

    Args:
        name: The machine.
        address: Where it listens.
        folder: For its files; `cert.pem` and `key.pem` lie there.
        ports: `plain` and `tls`, and `health` for an API server.
    """
    state, log = folder / f"{name}.json", folder / f"{name}.clients"
    state.write_text(json.dumps(WELL))
    described = {"name": name, "address": address, "state": str(state), "log": str(log), "folder": str(folder)}
    settings = json.dumps(described | {"ports": dict(ports)})
    command = ["ip", "netns", "exec", name, sys.executable, "-m", "tests.lab.backends", settings]
    with (folder / f"{name}.err").open("wb") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
    return Backend(name, state, log, process)


def _handler(settings: Mapping[str, Any], what: str) -> type[http.server.BaseHTTPRequestHandler]:
    """Return what answers on one port; `what` is the key of its status."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            status = json.loads(Path(settings["state"]).read_text())[what]
            if not status:
                self.close_connection = True
                return
            body = settings["name"].encode()
            if self.path == "/who":
                status = 200
                with Path(settings["log"]).open("a") as log:
                    log.write(f"{self.client_address[0]}\n")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class _Server(http.server.ThreadingHTTPServer):
    """Reads a PROXY header where there is one, as Traefik does, and then TLS where it has a certificate."""

    daemon_threads = True
    address_family = socket.AF_INET
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(10)
        client = client_address[0]
        if request.recv(len(_HEADER_SIGNATURE), socket.MSG_PEEK).startswith(_HEADER_SIGNATURE):
            header = request.recv(16, socket.MSG_WAITALL)
            addresses = request.recv(int.from_bytes(header[14:16], "big"), socket.MSG_WAITALL)
            client = socket.inet_ntoa(addresses[:4])
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        with request:
            super().finish_request(request, (client, client_address[1]))

    def handle_error(self, *_: object) -> None:
        """Say nothing: checks and clients may go away at any time."""


def _main(settings: Mapping[str, Any]) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(Path(settings["folder"]) / "cert.pem", Path(settings["folder"]) / "key.pem")
    for port_name, port in settings["ports"].items():
        handler = _handler(settings, "health" if port_name == "health" else "readyz")
        server = _Server((settings["address"], port), handler)
        server.tls = tls if port_name == "tls" else None
        threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
