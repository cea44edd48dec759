"""HTTP requests: proxies of the environment, a private authority beside the system's, and no redirect followed."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Opener: TypeAlias = OpenerDirector
"""What makes requests."""


def opener(authority: str = "") -> Opener:
    """Return what makes requests; a redirect is an error, since what is sent would go wherever it points.

    Args:
        authority: Certificates in PEM that are trusted besides; "" for none.
    """
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(cadata=authority)
    made = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(context=context),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        made.add_handler(handler)
    return made


def send(made: Opener, method: str, url: str, headers: Mapping[str, str], data: bytes | None, timeout: float) -> Any:
    """Make one request, and return the answer, to be read in a `with` block.

    Raises:
        HTTPError: The server answered with an error, or with another address.
        OSError: It can't be reached.
    """
    request = Request(url, data=data, headers=dict(headers), method=method)  # noqa: S310 (answers allow http(s) alone)
    return made.open(request, timeout=timeout)
