"""The one way in for every secret that a person supplies: a pipe, a prompt, a file, a variable of the environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import Derived, Form, Secret

if TYPE_CHECKING:
    from generator.secrets.catalogue.model import Entry

_LINE_ENDS = b"\r\n"
_LOGIN = re.compile(rb"[^:\s]+:[^\s]+")


def as_meant(content: bytes) -> bytes:
    r"""Return what was meant by what was typed, piped or exported.

    The line ends after a single line are the terminal's, the editor's or `echo`'s, however many: no token and no
    password has one. What has several lines is a file, such as a key in PEM, and a file ends with one line end: OpenSSH
    refuses a key without it. Its inner line ends are its own, `\r\n` as well as `\n`. What is no text stays as it is.

    Args:
        content: The bytes as they came.
    """
    try:
        content.decode()
    except UnicodeDecodeError:
        return content
    if b"\0" in content:
        return content
    text = content.rstrip(_LINE_ENDS)
    if b"\n" not in text:
        return text
    ending = b"\r\n" if content[len(text) :].startswith(b"\r\n") else b"\n"
    return text + ending


def is_file(content: bytes) -> bool:
    """Return whether a value has several lines, and so was taken as a file."""
    return b"\n" in content.rstrip(_LINE_ENDS)


def login_fault(secret: Entry, name: str, content: bytes) -> str:
    """Return why a value is no login at a registry of images; "" where it is one, or where none is wanted.

    Nothing of the value itself is said.

    Args:
        secret: The entry of the catalogue.
        name: Name of the value within it.
        content: What was supplied.
    """
    data = secret.data.values() if isinstance(secret, Secret) else ()
    wanted = any(isinstance(one, Derived) and (one.source, one.form) == (name, Form.DOCKERCONFIGJSON) for one in data)
    return (
        "is not USER:TOKEN, in one line and with a colon between them"
        if wanted and not _LOGIN.fullmatch(content)
        else ""
    )
