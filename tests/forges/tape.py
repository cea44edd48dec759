"""A forge that plays a recorded contract: it expects these requests in this order, and answers as the file says."""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTRACTS = Path(__file__).with_name("contracts")


@dataclass
class Tape:
    """A server that plays exchanges.

    Attributes:
        exchanges: What is still expected; each has `request`, and may have `sends`, `status`, `headers`, `answers`.
        url: Where it listens.
        seen: Headers of every request.
        faults: What was asked otherwise than expected.
    """

    exchanges: list[dict[str, Any]]
    url: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def answer(self, request: str, body: Any) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and body for a request."""
        expected: dict[str, Any] = self.exchanges.pop(0) if self.exchanges else {"request": "nothing"}
        if (request, body) != (expected["request"], expected.get("sends")):
            self.faults.append(f"asked {request} {body}, expected {expected['request']} {expected.get('sends')}")
            return 599, {}, {}
        return expected.get("status", 200), expected.get("headers", {}), expected.get("answers")


@contextmanager
def play(exchanges: str | list[dict[str, Any]], tls: ssl.SSLContext | None = None) -> Iterator[Tape]:
    """Play a contract of the folder, or exchanges; all of them have to be asked for until the block ends."""
    tape = Tape(yaml.safe_load((CONTRACTS / exchanges).read_text()) if isinstance(exchanges, str) else exchanges)

    class Handler(_Handler):
        owner = tape

    server = _Quiet(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    tape.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield tape
        assert (tape.faults, tape.exchanges) == ([], [])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what a client does that trusts no certificate out of the tests' output."""


class _Handler(BaseHTTPRequestHandler):
    owner: Tape
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.owner.seen.append(dict(self.headers.items()))
        status, headers, answer = self.owner.answer(f"{self.command} {self.path}", body)
        content = b"" if answer is None else answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value.replace("{url}", self.owner.url))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output clean."""
