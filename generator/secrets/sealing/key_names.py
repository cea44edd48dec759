"""The two places in Git that name a sealing key: what is sealed to, and what the controller waits for at its start.

Both are changed as text, in the one line that has the name, and such a change is known again as one of fmc's own.
"""

from __future__ import annotations

import re

from generator.errors import BadInputError
from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.catalogue.section import LIMITS
from generator.strictyaml import parse

CONTROLLER = "platform/sealed-secrets/values.yaml"
"""Values of the controller's chart: its pod mounts the certificate of a key, and so starts when the key is there."""
KEY_LABEL = "sealedsecrets.bitnami.com/sealed-secrets-key"
"""The label by which the controller finds its keys: it loads those for which it says `active`."""
_NAME = rb"(?P<name>[a-z0-9][-.a-z0-9]*)"
_MOUNTED = re.compile(rb"^ *- name: [\"']?sealing-cert[\"']?\n +secret:\n +secretName: [\"']?" + _NAME, re.MULTILINE)
_ENTRY = re.compile(rb"(?<![-\w])name:[ \t]*[\"']?" + _NAME)


def named_key(path: str, content: bytes) -> str:
    """Return the sealing key that a file names; "" where it names none.

    Args:
        path: Where the file lies in its repository.
        content: The file.
    """
    found = _found(path, content)
    return found["name"].decode() if found else ""


def naming(path: str, content: bytes, key: str) -> bytes:
    """Return a file with another sealing key in it, and nothing else changed; as it was where it names none.

    Args:
        path: Where the file lies in its repository.
        content: The file.
        key: Name of the key's Secret.
    """
    found = _found(path, content)
    return content[: found.start("name")] + key.encode() + content[found.end("name") :] if found else content


def differ_in_key_alone(path: str, before: bytes, after: bytes) -> bool:
    """Return whether one file became another by naming another sealing key.

    Args:
        path: Where the file lies in its repository.
        before: The file as it was.
        after: The file as it is.
    """
    key = named_key(path, after)
    return key != "" and naming(path, before, key) == after


def _found(path: str, content: bytes) -> re.Match[bytes] | None:
    if f"/{path}".endswith(f"/{CONTROLLER}"):
        return _MOUNTED.search(content)
    if not f"/{path}".endswith(f"/{CATALOGUE}"):
        return None
    try:
        line = parse(content, path, LIMITS).lines.get(("sealing_key", "name"), 0)
    except BadInputError:
        return None
    start = 0
    for _ in range(line - 1):
        start = content.index(b"\n", start) + 1
    return _ENTRY.search(content, start) if line else None
