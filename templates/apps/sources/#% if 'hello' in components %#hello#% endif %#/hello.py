"""hello: a small web service, in the standard library alone. Run it with `python3 -m hello`."""

from __future__ import annotations

import base64
import hmac
import html
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER = "hello"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>hello</title>
<h1>Hello from {host}</h1>
<p>Git says what runs here. <a href="/private/">This page</a> asks for a password, which came sealed.</p>
</html>
"""
PRIVATE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>hello: private</title>
<h1>Welcome</h1>
<p>The Secret hello-users holds the password that you have just used.</p>
</html>
"""
# Paths that are counted by name: others are made up by whoever asks, and each would be a metric for ever.
PATHS = ("/", "/private/", "/healthz", "/readyz")


class Service:
    """What all requests share.

    Attributes:
        password: The file that holds the password of the private page.
        stopping: Whether the process has been told to end.
    """

    def __init__(self, password: Path) -> None:
        self.password = password
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds = 0.0

    def answer(self, path: str, authorization: str) -> tuple[int, str, dict[str, str]]:
        """Return status, text and further headers for a path."""
        if path == "/":
            return 200, PAGE.format(host=html.escape(socket.gethostname())), {}
        if path == "/private/":
            if self.is_let_in(authorization):
                return 200, PRIVATE, {"Cache-Control": "no-store"}
            return 401, "a password is needed\n", {"WWW-Authenticate": 'Basic realm="hello", charset="UTF-8"'}
        if path == "/healthz":
            return 200, "ok\n", {}
        if path == "/readyz":
            ready = not self.stopping.is_set() and bool(self._secret())
            return (200, "ready\n", {}) if ready else (503, "not ready\n", {})
        return 404, "there is no such page\n", {}

    def is_let_in(self, authorization: str) -> bool:
        """Tell whether a header of HTTP Basic authentication names the user and the password."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except ValueError:
            return False
        # In the time that does not depend on how much of it is right.
        secret = self._secret()
        right = hmac.compare_digest(given, f"{USER}:".encode() + secret)
        return scheme.lower() == "basic" and bool(secret) and right

    def count(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        with self._lock:
            self._requests[path if path in PATHS else "other", status] += 1
            self._seconds += seconds

    def metrics(self) -> str:
        """Return what Prometheus reads."""
        with self._lock:
            requests, seconds = sorted(self._requests.items()), self._seconds
        lines = ["# HELP hello_requests_total Requests that were answered.", "# TYPE hello_requests_total counter"]
        lines += [f'hello_requests_total{{path="{path}",code="{code}"}} {count}' for (path, code), count in requests]
        lines += ["# HELP hello_request_duration_seconds Time that answers took."]
        lines += ["# TYPE hello_request_duration_seconds summary", f"hello_request_duration_seconds_sum {seconds:.6f}"]
        lines += [f"hello_request_duration_seconds_count {sum(count for _, count in requests)}"]
        return "\n".join([*lines, ""])

    def _secret(self) -> bytes:
        """Read the password anew each time: a rotated one counts without a restart."""
        try:
            return self.password.read_bytes()
        except OSError:
            return b""


class Handler(BaseHTTPRequestHandler):
    """One connection; `service` is whose requests these are."""

    service: Service
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "hello", ""
    # Seconds: whoever says nothing is not waited for.
    timeout = 10

    def do_GET(self) -> None:
        """Answer, and count."""
        began = time.perf_counter()
        path = self.path.partition("?")[0]
        status, text, headers = self.reply(path)
        body = text.encode()
        self.send_response(status)
        kind = "html" if text.startswith("<!doctype html>") else "plain"
        security = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
        sizes = {"Content-Type": f"text/{kind}; charset=utf-8", "Content-Length": str(len(body))}
        for name, value in {**sizes, **security, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.counted(path, status, time.perf_counter() - began)

    do_HEAD = do_GET

    def reply(self, path: str) -> tuple[int, str, dict[str, str]]:
        """Return status, text and further headers."""
        return self.service.answer(path, self.headers.get("Authorization", ""))

    def counted(self, path: str, status: int, seconds: float) -> None:
        """Count what was answered."""
        self.service.count(path, status, seconds)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log a request, but not those of the kubelet and of Prometheus, which come every few seconds."""
        if getattr(self, "path", "").partition("?")[0] not in ("/healthz", "/readyz", "/metrics"):
            # Nobody who asks writes lines of their own into the log.
            said = "".join(sign if sign.isprintable() else "?" for sign in format % arguments)
            print(f"{self.address_string()} {said}", flush=True)


class MetricsHandler(Handler):
    """Answers on the port that no Service and no route leads to."""

    def reply(self, path: str) -> tuple[int, str, dict[str, str]]:
        """Return the metrics."""
        return (200, self.service.metrics(), {}) if path == "/metrics" else (404, "there is no such page\n", {})

    def counted(self, path: str, status: int, seconds: float) -> None:
        """Count nothing: who reads the counters does not change them."""


def serve(service: Service, port: int, metrics_port: int) -> list[ThreadingHTTPServer]:
    """Open both ports; 0 is any that is free."""
    servers = []
    for number, base in ((port, Handler), (metrics_port, MetricsHandler)):
        handler = type(base.__name__, (base,), {"service": service})
        server = ThreadingHTTPServer(("", number), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
    return servers


def main() -> int:
    """Serve until the process is told to end."""
    service = Service(Path(os.environ.get("HELLO_PASSWORD_FILE", "/run/secrets/hello/password")))
    # Waited for, not handled: a handler could come in the middle of anything.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    ports = (int(os.environ.get("HELLO_PORT", "8080")), int(os.environ.get("HELLO_METRICS_PORT", "9090")))
    servers = serve(service, *ports)
    print(f"hello listens on {servers[0].server_port}, metrics on {servers[1].server_port}", flush=True)
    signal.sigwait(ends)
    service.stopping.set()
    # Requests come in until every node has heard that this pod is no endpoint any more.
    time.sleep(float(os.environ.get("HELLO_DRAIN_SECONDS", "5")))
    for server in servers:
        server.shutdown()
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
