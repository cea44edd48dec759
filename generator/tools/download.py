"""One program out of a release's .tar.gz: downloaded, compared with its pinned SHA-256, unpacked, put into its place.

Nothing of an archive is read as anything but bytes before its digest is right, and no name inside of it becomes a path.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import IO, TYPE_CHECKING
from urllib.error import HTTPError, URLError

from generator.errors import ToolError
from generator.files import write_atomic, write_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 16


class DownloadError(ToolError):
    """A release can't be had, or it is not what is pinned."""


@dataclass(frozen=True)
class DownloadLimits:
    """What a download may take.

    Attributes:
        size: Bytes.
        silence: Seconds without a byte.
        total: Seconds from the first byte to the last.
    """

    size: int = 32 << 20
    silence: float = 30.0
    total: float = 600.0


LIMITS = DownloadLimits()


def download_program(url: str, sha256: str, target: Path, *, limits: DownloadLimits = LIMITS) -> None:
    """Download an archive, and put the program in it into its place, replacing the one that is there.

    Args:
        url: Where the .tar.gz is; proxies are those of the environment.
        sha256: Its digest, in hexadecimal.
        target: The program's place; its name is the program's name in the archive, too.
        limits: What the download may take.

    Raises:
        DownloadError: There is no way to the archive, it is too big, another one, or without the program. What was
            in the program's place is still there.
        WriteError: The disk refused.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # It has no name: nothing of it is left behind, even if the process is killed.
        with tempfile.TemporaryFile(dir=target.parent) as archive:
            found = _store(url, archive, limits)
            if found != sha256:
                raise DownloadError(
                    f"the archive has the SHA-256 {found}, pinned is {sha256}; it was thrown away",
                    where=url,
                    fix="Find out what changes downloads on the way here, e.g. a proxy that answers with a page of its "
                    "own; the published archive has the pinned digest.",
                )
            program = _unpack(archive, target.name, url)
    except OSError as error:
        raise write_error(target, error) from error
    write_atomic(target, program, mode=0o755)


def _store(url: str, archive: IO[bytes], limits: DownloadLimits) -> str:
    """Write what a server sends into a file, and return its SHA-256."""
    digest = hashlib.sha256()
    for chunk in _chunks(url, limits):
        digest.update(chunk)
        archive.write(chunk)
    archive.seek(0)
    return digest.hexdigest()


def _chunks(url: str, limits: DownloadLimits) -> Iterator[bytes]:
    """Give what a server sends, piece by piece; errors of the network end here, so that others are the disk's."""
    received = 0
    try:
        with urllib.request.urlopen(url, timeout=limits.silence) as response:  # noqa: S310 (it is pinned)
            announced = response.length
            end = time.monotonic() + limits.total
            while chunk := response.read1(_CHUNK):
                received += len(chunk)
                if received > limits.size:
                    raise _failed(url, f"the server sends more than {limits.size:,} bytes, which the archive never has")
                if time.monotonic() > end:
                    raise _failed(url, f"the download was not complete after {limits.total:g} s ({received:,} bytes)")
                yield chunk
    except HTTPError as error:
        error.close()
        raise _failed(url, f"the server answered {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise _failed(url, f"the download failed: {_reason(error)}") from error
    if announced is not None and received < announced:
        raise _failed(url, f"the download ended after {received:,} of {announced:,} bytes")


def _failed(url: str, message: str) -> DownloadError:
    return DownloadError(
        message,
        where=url,
        fix="Look at the network, and at the proxy in HTTPS_PROXY if there has to be one, then run the same command "
        "again.",
    )


def _reason(error: Exception) -> str:
    """Return the words of the system's error below urllib's, where there is one."""
    inner = error.reason if isinstance(error, URLError) and isinstance(error.reason, OSError) else error
    return getattr(inner, "strerror", None) or str(inner)


def _unpack(archive: IO[bytes], name: str, url: str) -> bytes:
    """Return the content of one regular file at the top of an archive."""
    try:
        with tarfile.open(fileobj=archive, mode="r:gz") as files:
            member = files.getmember(name)
            # Asked here, since tarfile would follow a link to what it points to.
            stream = files.extractfile(member) if member.isreg() else None
            if stream is not None:
                return stream.read()
            reason = "it is no regular file"
    except (tarfile.TarError, KeyError, EOFError) as error:
        reason = str(error.args[0]) if error.args else type(error).__name__
    raise DownloadError(
        f"the archive has the pinned digest, but there is no program {name} in it: {reason}",
        where=url,
        fix="This version of fmc pins a wrong archive: use another version of fmc, or put the program on PATH.",
    )
