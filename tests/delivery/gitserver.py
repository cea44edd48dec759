"""A smart-HTTP Git server on loopback: `git http-backend` behind Basic authentication, which notes what it was asked.

It imitates what forges do: 401 without the right token, 403 for writers without permission, 301 for repositories that
moved, and TLS with a certificate that nobody trusts.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType


CUT, MUTE = -1, -2


@dataclass
class GitServer:
    """A server for the bare repositories below a folder; use it as a context manager.

    Attributes:
        root: The folder; `http.receivepack` must be set in its repositories.
        user: Who may come in.
        token: The password; None lets everybody in.
        readers: Passwords of users that may come in, but not push.
        read_only: Answer 403 to pushes.
        moved_to: Base URL to which every request is redirected.
        tls: Speak HTTPS.
        address: Where to listen; port 0 is any that is free.
        faults: What happens to the next pushes, one each: a status is answered; CUT closes the connection before the
            pack has arrived, and MUTE after git has taken it.
        seen: Path and Authorization header of every request.
    """

    root: Path
    user: str = "ci"
    token: str | None = None
    readers: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    moved_to: str | None = None
    tls: ssl.SSLContext | None = None
    address: tuple[str, int] = ("127.0.0.1", 0)
    faults: list[int] = field(default_factory=list)
    seen: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Base URL, without a slash at its end."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def writer(self) -> str:
        """The Authorization header of the user that may push."""
        return _basic(self.user, self.token or "")

    def __enter__(self) -> GitServer:
        server = self

        class Handler(_Handler):
            owner = server

        self._http = ThreadingHTTPServer(self.address, Handler)
        self._http.daemon_threads = True
        if self.tls:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One request; `owner` is the server that it belongs to."""

    owner: GitServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output clean."""

    def _answer(self) -> None:
        owner = self.owner
        fault = owner.faults.pop(0) if owner.faults and self._is_pack() else None
        if fault == CUT:
            self._close()
            return
        body = b"".join(self._body())
        authorization = self.headers.get("Authorization")
        owner.seen.append((self.path, authorization))
        reading = [_basic(user, token) for user, token in owner.readers.items()]
        if fault == MUTE:
            self._backend(body)
            self._close()
        elif fault is not None:
            self._reply(fault, [], b"")
        elif owner.moved_to:
            self._reply(301, [("Location", owner.moved_to + self.path)], b"")
        elif owner.token is not None and authorization not in (owner.writer, *reading):
            self._reply(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        elif (owner.read_only or authorization in reading) and "git-receive-pack" in self.path:
            self._reply(403, [], b"")
        else:
            self._reply(*self._backend(body))

    def _is_pack(self) -> bool:
        # Before a pack git sends four bytes, to see whether it may (http.postBuffer).
        return self.command == "POST" and "git-receive-pack" in self.path and self.headers["Content-Length"] != "4"

    def _close(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            yield self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _backend(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Run git http-backend as CGI (git-http-backend(1))."""
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_PROJECT_ROOT": str(self.owner.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REMOTE_USER": self.owner.user,
                "REMOTE_ADDR": "127.0.0.1",
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        status, headers = 200, []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        return status, headers, content

    def _reply(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _basic(user: str, token: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()
