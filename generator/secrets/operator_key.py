"""The operator's SSH key, the only way into the machines: made once, and never overwritten.

It is a file for `ssh`, and no secret of the cluster: the vault does not have it.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.files import write_new
from generator.inputs import read_bounded
from generator.secrets.making.ssh import key_pair, public_half
from generator.wording import command

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 64 << 10  # bytes; a key of RSA-16384 has 13,000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_KIND_AND_KEY = 2  # words of a public key that count; the third is a comment


@dataclass(frozen=True)
class OperatorKey:
    """A key pair in two files.

    Attributes:
        path: The private half; the public one lies beside it and ends in .pub.
        public: The public half, as a line of authorized_keys without its end.
        made: Whether it was made now.
        is_open: Whether others may read the private half: `ssh` does not take it then.
    """

    path: Path
    public: str
    made: bool
    is_open: bool


def make_or_find(path: Path, comment: str, passphrase: bytes) -> OperatorKey:
    """Make a key pair, or return the one that lies there; a private half without its public one gets it.

    Args:
        path: The private half.
        comment: What stands behind the public half of a new key.
        passphrase: What a new private half is encrypted with; empty for none.

    Raises:
        BadInputError: Something else is in the place, or the two halves do not belong together.
        WriteError: The disk refused.
    """
    beside = path.with_name(f"{path.name}.pub")
    made, public = False, ""
    if not path.exists() and not path.is_symlink():
        _require_none(beside, path)
        private, public = key_pair(comment, passphrase)
        made = write_new(path, private, mode=0o600)
    if not made:
        public = _public_half_of(path, comment)
    if not write_new(beside, f"{public}\n".encode(), mode=0o644):
        public = _require_same(beside, public, path)
    return OperatorKey(path, public, made, bool(path.stat().st_mode & _OTHERS))


def _public_half_of(path: Path, comment: str) -> str:
    content = b"" if path.is_dir() else read_bounded(path, _LARGEST)
    try:
        return f"{public_half(content)} {comment}"
    except ValueError:
        raise BadInputError(
            f"{path} is there, and is no private key in OpenSSH's format; it was left as it is",
            where=str(path),
            fix="Name another place: `fmc keys ssh --file FILE`.",
        ) from None


def _require_none(beside: Path, path: Path) -> None:
    """Refuse a public half without its private one: a new key would not be the one that machines have."""
    if beside.exists() or beside.is_symlink():
        raise BadInputError(
            f"{beside} is there without {path}, its private half; nothing was made",
            where=str(beside),
            fix=f"Bring the private half back, or move the public one away: {_move(beside)}.",
        )


def _require_same(beside: Path, public: str, path: Path) -> str:
    """Return the public half that lies there, with its own comment."""
    there = "" if beside.is_dir() else read_bounded(beside, _LARGEST).decode(errors="replace").strip()
    if there.split()[:_KIND_AND_KEY] != public.split()[:_KIND_AND_KEY]:
        raise BadInputError(
            f"{beside} is not the public half of {path}; both were left as they are",
            where=str(beside),
            fix=f"Move it away, and run the same command again, which writes the right one: {_move(beside)}.",
        )
    return there


def _move(beside: Path) -> str:
    return command("mv", str(beside), f"{beside}.old")
