"""Questions to other servers, over TLS that is not verified, as K3s asks with a token without a digest."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

_CONTEXT = ssl._create_unverified_context()


@dataclass(frozen=True)
class Answer:
    """An answer; `status` is 0 where there was none, and `text` says why."""

    status: int
    text: str

    def json(self) -> Any:
        """Return the document."""
        return json.loads(self.text)


def ask(url: str, user: str = "", password: str = "", body: object = None, timeout: float = 3.0) -> Answer:
    """Ask a server.

    Args:
        url: What for.
        user: `server` or `node`; "" asks without credentials.
        password: What goes with it.
        body: Sent as JSON by POST.
        timeout: In seconds.
    """
    request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode())
    if user:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=_CONTEXT) as response:
            return Answer(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode())
    except OSError as error:
        return Answer(0, str(error))
