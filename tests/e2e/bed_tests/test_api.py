"""The client waits where the API server asks it to, and says what was refused."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from tests.e2e.bed.api import Api, ApiError
from tests.e2e.bed.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Answer = tuple[int, dict[str, str], dict[str, object]]
BUSY: Answer = (429, {"Retry-After": "0"}, {"message": "storage is (re)initializing"})
EMPTY: Answer = (200, {}, {"items": []})


class Server(http.server.ThreadingHTTPServer):
    """Gives its answers in turn, and the last one for ever."""

    daemon_threads = True
    answers: list[Answer]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        answers = self.server.answers
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    certificate, key = Authority(tmp_path, "ca").server("api", ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def api(server: Server, tmp_path: Path) -> Api:
    authority = Authority(tmp_path / "client", "ca")
    return Api(f"127.0.0.1:{server.server_port}", tmp_path / "ca.crt", authority.client("somebody"))


def test_a_server_that_was_just_started_is_asked_again(server: Server, api: Api) -> None:
    server.answers = [BUSY, BUSY, EMPTY]
    assert api.objects("SealedSecret") == []


@pytest.mark.parametrize("answer", [BUSY, (429, {}, {"message": "no"}), (403, {"Retry-After": "0"}, {"message": "no"})])
def test_what_stays_refused_is_an_error(server: Server, api: Api, answer: Answer) -> None:
    server.answers = [answer]
    with pytest.raises(ApiError) as raised:
        api.objects("SealedSecret")
    assert raised.value.status == answer[0]
