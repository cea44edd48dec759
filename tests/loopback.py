"""An HTTP server on loopback, as tests need one: how all of them start, keep quiet and end."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import ssl
    from types import TracebackType
    from typing import Self


class LoopbackServer:
    """A server in threads of its own; use it as a context manager.

    What derives from it says in `handler` how requests are answered; there the server is `owner`.

    Attributes:
        handler: Answers a request.
        tls: Speak HTTPS.
        address: Where to listen; port 0 is any that is free.
    """

    handler: ClassVar[type[BaseHTTPRequestHandler]]
    tls: ssl.SSLContext | None = None
    address: tuple[str, int] = ("127.0.0.1", 0)

    @property
    def host(self) -> str:
        """Address and port, as a URL has them."""
        return "{}:{}".format(*self._http.server_address)

    @property
    def url(self) -> str:
        """Base URL, without a slash at its end."""
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def __enter__(self) -> Self:
        self._http = _Quiet(self.address, type("Handler", (self.handler,), {"owner": self}))
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


class QuietHandler(BaseHTTPRequestHandler):
    """One request; the connection is kept for the next one, and the tests' output clean."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        """Return what was sent."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status: int, content: bytes = b"", /, **headers: str) -> None:
        """Answer.

        Args:
            status: The code.
            content: The body, which an answer to HEAD leaves out.
            headers: Those besides Content-Length.
        """
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what a client does that trusts no certificate, or went away, out of the tests' output."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
