"""Tokens: a password, or `K10<digest of the authority>::<user>:<password>`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from tests.lab.stand_in_k3s import paths


@dataclass(frozen=True)
class Token:
    """A token that was taken apart; `digest` is "" where it is a password alone."""

    password: str
    digest: str


def parse(text: str) -> Token:
    """Take a token apart."""
    if not text.startswith("K10"):
        return Token(text, "")
    digest, _, credentials = text[3:].partition("::")
    return Token(credentials.partition(":")[2], digest)


def full(user: str, password: str) -> str:
    """Return the long form, with the digest of this cluster's authority."""
    digest = hashlib.sha256(paths.AUTHORITY.read_bytes()).hexdigest()
    return f"K10{digest}::{user}:{password}"


def hashed(password: str) -> str:
    """Return what the state keeps of a password."""
    return hashlib.sha256(password.encode()).hexdigest()


def passwords() -> dict[str, Any]:
    """Return the file of passwords, of servers and of agents, with its time; {} where there is none."""
    if not paths.PASSWORDS.is_file():
        return {}
    return {"text": paths.PASSWORDS.read_text(), "time": int(paths.PASSWORDS.stat().st_mtime)}


def write_passwords(server: str, agent: str) -> None:
    """Write that file, of hashes, unless it says the same already."""
    text = f"{server} {agent}"
    if passwords().get("text") != text:
        paths.write_secret(paths.PASSWORDS, text)
