"""A server of releases on loopback, and archives made on the spot."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ReleaseServer:
    """What a server says to every request, and what it was asked.

    Attributes:
        url: Base URL, without a slash at its end.
        answer: Writes the reply.
        seen: Path of every request.
    """

    url: str
    answer: Answer
    seen: list[str] = field(default_factory=list)

    def serve(self, body: bytes, *, announced: int | None = None) -> None:
        """Answer with a body, and with a Content-Length that may be another one."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Length", str(len(body) if announced is None else announced))
            request.end_headers()
            request.wfile.write(body)

        self.answer = answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    """A running server, which is asked without a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            releases.seen.append(self.path)
            releases.answer(self)

        def log_message(self, format: str, *arguments: object) -> None:
            """Keep the tests' output clean."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    releases = ReleaseServer(f"http://127.0.0.1:{http.server_address[1]}", lambda request: request.send_error(404))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield releases
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Base URL of a port that refuses connections: it is taken, and nobody listens."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def make_archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a .tar.gz with these members."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def digest(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
