"""The drill's API server, as a program sees it: HTTPS on loopback, with a token."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from generator.drill.identity import HOST
from generator.errors import ToolError
from generator.wording import printable

if TYPE_CHECKING:
    from generator.drill.identity import Identity

_TIMEOUT = 30.0
_TRIES = 11
"""A server that was just started asks for more time; clients of Kubernetes give it (client-go, rest/with_retry.go)."""


class Api:
    """A client of one API server.

    Attributes:
        port: Where it listens, on loopback.
    """

    def __init__(self, port: int, identity: Identity) -> None:
        self.port = port
        self._context = ssl.create_default_context(cafile=str(identity.certificate))
        self._token = identity.token

    def is_ready(self) -> bool:
        """Tell whether it answers, and calls itself ready."""
        try:
            return self._send("GET", "/readyz")[0] == HTTPStatus.OK
        except OSError:
            return False

    def get(self, path: str) -> Any:
        """Return an object; None where there is none.

        Raises:
            ToolError: It does not answer, or refuses.
        """
        status, content = self._asked("GET", path)
        return None if status == HTTPStatus.NOT_FOUND else json.loads(content)

    def create(self, path: str, content: bytes, kind: str = "application/json") -> str:
        """Make an object.

        Args:
            path: Of the objects of its kind.
            content: The object.
            kind: Media type of the content.

        Returns:
            Why it was refused; "" where it was made, or is there.

        Raises:
            ToolError: The server does not answer.
        """
        status, answer = self._asked("POST", path, content, kind)
        if status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT):
            return ""
        return f"the API server refused it: {_reason(answer)}"

    def _asked(self, method: str, path: str, content: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
        for _ in range(_TRIES):
            try:
                status, answer, wait = self._send(method, path, content, kind)
            except OSError as error:
                raise ToolError(f"the drill's API server does not answer: {error}") from error
            if wait is None:
                break
            time.sleep(wait)
        if method == "GET" and status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise ToolError(f"the drill's API server does not give {path}: {_reason(answer)}")
        return status, answer

    def _send(
        self, method: str, path: str, content: bytes | None = None, kind: str = ""
    ) -> tuple[int, bytes, float | None]:
        """Send a request; return status, answer, and the seconds after which the server wants it again, if it does."""
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=_TIMEOUT, context=self._context)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        try:
            connection.request(method, path, content, headers | ({"Content-Type": kind} if kind else {}))
            answer = connection.getresponse()
            said = answer.getheader("Retry-After") or ""
            is_busy = answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            return answer.status, answer.read(), float(said) if is_busy and said.isdecimal() else None
        except http.client.HTTPException as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        finally:
            connection.close()


def _reason(answer: bytes) -> str:
    """Return what the server says, without the object that it may quote."""
    try:
        return printable(str(json.loads(answer)["message"]), 200)
    except (ValueError, TypeError, KeyError):
        return "no reason given"
