"""Container images that objects name: in fields called `image`, and in any other text as well.

Many charts put images where no field says so: into arguments, variables, custom resources, and texts of ConfigMaps.
There a reference is told by its registry, or by a path and a tag that is a version.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(?::\d+)?|localhost(?::\d+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PART}(?:/{_PART})*)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?"
)
_IN_TEXT = re.compile(
    rf"(?<![\w./:@%$-])(?:(?:{_HOST})/)?{_PART}(?:/{_PART})*(?::{_TAG}(?:@{_DIGEST})?|@{_DIGEST})(?![\w/:@-])"
)
_VERSION = re.compile(r"v?\d+([._-].*)?|.*\d+\.\d+.*")
_DEFAULT_HOST = "docker.io"
# Definitions and dashboards hold examples, in their descriptions.
_WITHOUT = {"CustomResourceDefinition"}


def images_of(objects: Iterable[Any]) -> list[str]:
    """Return the images that objects of Kubernetes name, each with its registry and tag, sorted."""
    found: set[str] = set()
    for item in objects:
        if not (isinstance(item, dict) and item.get("kind") in _WITHOUT):
            found.update(_walk(item))
    return sorted(found)


def images_in(text: str) -> list[str]:
    """Return the images that a text names, each with its registry and tag, sorted."""
    return sorted(set(_in_text(text)))


def whole(reference: str) -> str:
    """Return a reference with the registry, path and tag that a short one stands for; "" if it is none."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return ""
    host, path = match["host"] or _DEFAULT_HOST, match["path"]
    if host == _DEFAULT_HOST and "/" not in path:
        path = f"library/{path}"
    tag = f":{match['tag']}" if match["tag"] else "" if match["digest"] else ":latest"
    return f"{host}/{path}{tag}" + (f"@{match['digest']}" if match["digest"] else "")


def _walk(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)
    elif isinstance(value, str):
        if key == "image" and (reference := whole(value)):
            yield reference
        else:
            yield from _in_text(value)


def _in_text(text: str) -> Iterator[str]:
    """Yield the references in a text that are told by more than their form: `monitoring/grafana:3000` is none."""
    for match in _IN_TEXT.finditer(text):
        parts = _REFERENCE.fullmatch(match[0])
        if parts is None or not ("/" in parts["path"] or parts["host"]):
            continue
        tag = parts["tag"] or ""
        port = tag.isdigit() and len(tag) > 1
        if parts["digest"] or (_VERSION.fullmatch(tag) and not port):
            yield whole(match[0])
