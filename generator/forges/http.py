"""One request to a forge's API: the token as a header, a time limit, and every failure with what helps.

Proxies are those of the environment (HTTPS_PROXY, NO_PROXY). Authorities are the system's or those of SSL_CERT_FILE,
and the one that the answers name. A redirect is not followed: the token would go wherever it points.
"""

from __future__ import annotations

import json
import re
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

from generator.errors import RemoteError
from generator.tools.web import opener, send
from generator.wording import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.tools.web import Opener

_TIMEOUT = 30.0
_MOST_BYTES = 16 << 20
_MOST_PAGES = 100
_SHOWN = 500
_NEXT_PAGE = re.compile(r"""rel="?next"?""")
_AGAIN = "then run the same command again; it goes on where it stopped."


class RefusedError(RemoteError):
    """A forge answered with an error.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, message: str, *, status: int, where: str, fix: str) -> None:
        super().__init__(message, where=where, fix=fix)
        self.status = status


@dataclass(frozen=True)
class Api:
    """The API of one forge.

    Attributes:
        base: Address of the API, without a slash at its end.
        headers: What each request carries, the token among it; never shown.
        authority: Certificates in PEM that are trusted besides; "" for none.
        scopes: What the token has to be allowed, as the forge calls it.
    """

    base: str
    headers: Mapping[str, str] = field(repr=False)
    authority: str = ""
    scopes: str = ""

    def get(self, path: str, **query: str) -> Any:
        """Return what is at a path.

        Raises:
            RemoteError: The forge can't be asked, or refused.
        """
        return self._call("GET", _with(path, query))[0]

    def find(self, path: str, **query: str) -> Any | None:
        """Return what is at a path; None where there is nothing.

        Raises:
            RemoteError: The forge can't be asked, or refused.
        """
        try:
            return self.get(path, **query)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def all(self, path: str, **query: str) -> list[Any]:
        """Return the items of a list, from all its pages.

        Raises:
            RemoteError: The forge can't be asked, or refused.
        """
        found: list[Any] = []
        for page in range(1, _MOST_PAGES + 1):
            items, links = self._call("GET", _with(path, {**query, "page": str(page)}))
            found += items
            if not _NEXT_PAGE.search(links):
                break
        return found

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Change something, and return what the forge says of it.

        Raises:
            RemoteError: The forge can't be asked, or refused.
        """
        return self._call(method, path, body)[0]

    def _call(self, method: str, path: str, body: object = None) -> tuple[Any, str]:
        url = f"{self.base}{path}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "User-Agent": "fmc", **self.headers}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            with send(self._opener, method, url, headers, data, _TIMEOUT) as answer:
                content = answer.read(_MOST_BYTES)
                links = answer.headers.get("Link") or ""
        except HTTPError as error:
            raise self._refused(error, method, url) from None
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        if not content.strip():
            return None, links
        try:
            return json.loads(content), links
        except ValueError:
            raise RemoteError(
                f"{self.base} answers, but not as the API of a forge",
                where=self.base,
                fix="Name its API and its kind in the answers: `forge: {kind: gitea, api: https://HOST/api/v1}`.",
            ) from None

    @cached_property
    def _opener(self) -> Opener:
        return opener(self.authority)

    def _unreachable(self, error: OSError | HTTPException) -> RemoteError:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, ssl.SSLError):
            return RemoteError(
                f"the TLS connection to {self.base} can't be trusted or made: {reason}",
                where=self.base,
                fix="Name the certificate of its authority as git_authority in the answers, or in SSL_CERT_FILE.",
            )
        said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return RemoteError(
            f"{self.base} can't be reached: {visible(said)}",
            where=self.base,
            fix=f"Check the address, the network and the proxy (HTTPS_PROXY, NO_PROXY), {_AGAIN}",
        )

    def _refused(self, error: HTTPError, method: str, url: str) -> RefusedError:
        with error:
            said = _said(error.read(_MOST_BYTES))
        what = f"{method} {url.partition('?')[0]}"
        message, fix = self._meaning(error, said)
        quoted = f"; it said: {said}" if said else ""
        return RefusedError(f"{message} ({what}, {error.code}){quoted}", status=error.code, where=self.base, fix=fix)

    def _meaning(self, error: HTTPError, said: str) -> tuple[str, str]:
        """Return what an error means, and what helps."""
        needs = f"a token that has {self.scopes}" if self.scopes else "a token that may do this"
        host = self.base
        if error.code == 429 or _is_limited(error, said):
            wait = error.headers.get("Retry-After") or ""
            when = f"Wait {wait} seconds" if wait.isdecimal() else "Wait until the limit is lifted, an hour at most"
            return f"{host} takes no more requests of this token for now", f"{when}, {_AGAIN}"
        if error.code == 401:
            return f"{host} does not know the token, or there is none", f"Set FMC_GIT_TOKEN to {needs}, {_AGAIN}"
        if error.code == 403:
            return f"{host} does not let the owner of the token do this", f"Set FMC_GIT_TOKEN to {needs}, {_AGAIN}"
        if error.code == 404:
            return (
                f"{host} has nothing of the kind that this token may see",
                f"Check git_base_url in the answers, make the group or organisation, or set FMC_GIT_TOKEN to {needs}; "
                f"{_AGAIN}",
            )
        if 300 <= error.code < 400:
            return f"{host} answers with another address", "Write the final address as git_base_url in the answers."
        if error.code >= 500:
            return f"the server of {host} has a problem of its own", f"Wait until it is back, {_AGAIN}"
        return f"{host} declined", f"Correct what it names, {_AGAIN}"


def _with(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _is_limited(error: HTTPError, said: str) -> bool:
    """Return whether a 403 is GitHub's for too many requests."""
    spent = error.headers.get("X-RateLimit-Remaining") == "0" or "Retry-After" in error.headers
    return error.code == 403 and (spent or "rate limit" in said.lower())


def _said(content: bytes) -> str:
    """Return the message in an answer; forges have several forms of it."""
    try:
        document = json.loads(content)
    except ValueError:
        return ""
    parts: list[str] = []
    if isinstance(document, dict):
        for key in ("message", "error", "error_description", "errors"):
            _collect(document.get(key), parts)
    return visible("; ".join(dict.fromkeys(parts)))[:_SHOWN]


def _collect(value: object, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(value)
    elif isinstance(value, list):
        for item in value:
            _collect(item, parts)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                parts.append(item)
            elif isinstance(item, list):
                parts.append(f"{key} " + ", ".join(map(str, item)))
