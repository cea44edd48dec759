"""A smart-HTTP Git server on loopback: `git http-backend` behind Basic authentication, which notes what it was asked.

It imitates what forges do: 401 without the right token, 403 for writers without permission, 301 for repositories that
moved, and TLS with a certificate that nobody trusts.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.loopback import LoopbackServer, QuietHandler

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection, Iterator
    from pathlib import Path


NOTHING, CUT, MUTE = 0, -1, -2


class _Handler(QuietHandler):
    """One request; `owner` is the server that it belongs to."""

    owner: GitServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        owner = self.owner
        fault = owner.faults.pop(0) if owner.faults and self._is_pack() else NOTHING
        if fault == CUT:
            self._close()
            return
        body = self.body()
        authorization = self.headers.get("Authorization")
        owner.seen.append((self.path, authorization))
        reading = [basic(user, token) for user, token in owner.readers]
        if fault == MUTE:
            self._backend(body)
            self._close()
        elif fault:
            self.reply(fault)
        elif owner.moved_to:
            self.reply(301, Location=owner.moved_to + self.path)
        elif owner.token is not None and authorization not in (owner.writer, *reading):
            self.reply(401, **{"WWW-Authenticate": 'Basic realm="git"'})
        elif (owner.read_only or authorization in reading) and "git-receive-pack" in self.path:
            self.reply(403)
        else:
            status, headers, content = self._backend(body)
            self.reply(status, content, **headers)

    def _is_pack(self) -> bool:
        # Before a pack git sends four bytes, to see whether it may (http.postBuffer).
        return self.command == "POST" and "git-receive-pack" in self.path and self.headers["Content-Length"] != "4"

    def _close(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def body(self) -> bytes:
        return b"".join(self._chunks()) if self.headers.get("Transfer-Encoding") == "chunked" else super().body()

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _backend(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
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
        status, headers = 200, {}
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers[name] = value
        return status, headers, content


@dataclass
class GitServer(LoopbackServer):
    """A server for the bare repositories below a folder; use it as a context manager.

    Attributes:
        root: The folder; `http.receivepack` must be set in its repositories.
        user: Who may come in.
        token: The password; None lets everybody in.
        readers: Users with their passwords that may come in, but not push.
        read_only: Answer 403 to pushes.
        moved_to: Base URL to which every request is redirected.
        tls: Speak HTTPS.
        address: Where to listen; port 0 is any that is free.
        faults: What happens to the next pushes, one each: a status is answered; CUT closes the connection before the
            pack has arrived, MUTE after git has taken it, and NOTHING leaves one alone.
        seen: Path and Authorization header of every request.
    """

    handler = _Handler
    root: Path
    user: str = "ci"
    token: str | None = None
    readers: Collection[tuple[str, str]] = ()
    read_only: bool = False
    moved_to: str | None = None
    tls: ssl.SSLContext | None = None
    address: tuple[str, int] = ("127.0.0.1", 0)
    faults: list[int] = field(default_factory=list)
    seen: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def writer(self) -> str:
        """The Authorization header of the user that may push."""
        return basic(self.user, self.token or "")


def basic(user: str, token: str) -> str:
    """Return the Authorization header of HTTP Basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()
