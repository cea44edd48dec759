"""The client waits where the API server asks it to, and says what was refused."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.e2e.bed.api import Api, ApiError
from tests.e2e.bed.authority import Authority
from tests.loopback import LoopbackServer, QuietHandler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Answer = tuple[int, dict[str, str], dict[str, object]]
BUSY: Answer = (429, {"Retry-After": "0"}, {"message": "storage is (re)initializing"})
EMPTY: Answer = (200, {}, {"items": []})


class Handler(QuietHandler):
    owner: Server

    def do_GET(self) -> None:
        answers = self.owner.answers
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.reply(status, json.dumps(body).encode(), **headers)


class Server(LoopbackServer):
    """Gives its answers in turn, and the last one for ever."""

    handler = Handler
    answers: list[Answer]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(tmp_path, "ca").server("api", ["127.0.0.1"]))
    made = Server()
    made.tls = context
    with made:
        yield made


@pytest.fixture
def api(server: Server, tmp_path: Path) -> Api:
    authority = Authority(tmp_path / "client", "ca")
    return Api(server.host, tmp_path / "ca.crt", authority.client("somebody"))


def test_a_server_that_was_just_started_is_asked_again(server: Server, api: Api) -> None:
    server.answers = [BUSY, BUSY, EMPTY]
    assert api.objects("SealedSecret") == []


@pytest.mark.parametrize("answer", [BUSY, (429, {}, {"message": "no"}), (403, {"Retry-After": "0"}, {"message": "no"})])
def test_what_stays_refused_is_an_error(server: Server, api: Api, answer: Answer) -> None:
    server.answers = [answer]
    with pytest.raises(ApiError) as raised:
        api.objects("SealedSecret")
    assert raised.value.status == answer[0]
