"""The tar inside of a backup, written and read as a stream.

People open it with any `tar`. What reads it here takes plain files alone, and no name but those that its manifest
lists, in that order: a link, a device, a path that leads out, or a byte too many ends it.
"""

from __future__ import annotations

import hashlib
import tarfile
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from generator.backup.manifest import FileRecord, Manifest, damaged, read_manifest
from generator.files import write_error

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

TOP = "fmc-backup/"
"""The one folder that everything lies in, so that unpacking by hand scatters nothing."""
MANIFEST = "manifest.json"
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 16
_LARGEST_MANIFEST = 1 << 20  # bytes


def recorded(name: str, source: bytes | Path) -> FileRecord:
    """Return the manifest's record of a file.

    Args:
        name: Its name in the archive.
        source: Its content, or a file that nobody changes meanwhile.
    """
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(source):
        digest.update(chunk)
        size += len(chunk)
    return FileRecord(name=name, bytes=size, sha256=digest.hexdigest())


def packed(manifest: Manifest, sources: Mapping[str, bytes | Path]) -> Iterator[bytes]:
    """Yield the archive, piece by piece.

    Args:
        manifest: What is in it.
        sources: What each of its files was recorded from, by its name.
    """
    made = int(datetime.fromisoformat(manifest.made).timestamp())
    content = manifest.to_bytes()
    files = [(MANIFEST, len(content), content), *((one.name, one.bytes, sources[one.name]) for one in manifest.files)]
    written = 0
    for name, size, source in files:
        yield _header(name, size, made)
        yield from _chunks(source)
        yield bytes(_padding(size))
        written += _BLOCK + size + _padding(size)
    # Two blocks of zeros end it, and it is filled up to whole records, as tar(5) has it.
    yield bytes(2 * _BLOCK + -(written + 2 * _BLOCK) % tarfile.RECORDSIZE)


def _header(name: str, size: int, made: int) -> bytes:
    info = tarfile.TarInfo(TOP + name)
    info.size, info.mtime, info.mode = size, made, 0o600
    # In GNU's format a number may be larger than 8 GiB; in all else it is the same here as every other one.
    return info.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> int:
    return -size % _BLOCK


def _chunks(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


class Unpacker:
    """Takes an archive in pieces of any size, and writes its files into a folder; the memory that it needs is bound.

    Attributes:
        manifest: What is in it; None until that has come.
    """

    def __init__(self, folder: Path, where: str) -> None:
        """Begin.

        Args:
            folder: An empty folder of one's own; nothing is written outside of it.
            where: The backup, for messages.
        """
        self.manifest: Manifest | None = None
        self._folder = folder
        self._where = where
        self._waiting = bytearray()
        self._ended = False
        self._reading = self._read()
        self._wanted = next(self._reading)

    def feed(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            BadInputError: This is no archive of a backup, or a damaged one.
            WriteError: The disk refused.
        """
        self._waiting += piece
        while not self._ended and len(self._waiting) >= self._wanted:
            taken = bytes(self._waiting[: self._wanted])
            del self._waiting[: self._wanted]
            try:
                self._wanted = self._reading.send(taken)
            except StopIteration:
                self._ended = True
        if self._ended:
            if self._waiting.count(0) < len(self._waiting):
                raise damaged("something follows its end", self._where)
            self._waiting.clear()

    def finish(self) -> Manifest:
        """Return what is in it, when all of it has come.

        Raises:
            BadInputError: Its end is missing.
        """
        if not self._ended or self.manifest is None:
            raise damaged("its end is missing", self._where)
        return self.manifest

    def _read(self) -> Generator[int, bytes, None]:
        """Ask for bytes by their number, and get exactly as many."""
        size = self._size_of((yield _BLOCK), MANIFEST)
        if size > _LARGEST_MANIFEST:
            raise damaged("its manifest is too large", self._where)
        content = (yield size + _padding(size))[:size]
        self.manifest = read_manifest(content, self._where)
        for record in self.manifest.files:
            if self._size_of((yield _BLOCK), record.name) != record.bytes:
                raise damaged(f"{record.name} has another size than its manifest says", self._where)
            yield from self._unpack(record)
        if (yield 2 * _BLOCK).strip(b"\0"):
            raise damaged("it has a file that its manifest does not name", self._where)

    def _unpack(self, record: FileRecord) -> Generator[int, bytes, None]:
        path = self._folder / record.name
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with path.open("xb") as stream:
                path.chmod(0o600)
                yield from self._copy(record, stream)
        except OSError as error:
            raise write_error(path, error) from error

    def _copy(self, record: FileRecord, stream: IO[bytes]) -> Generator[int, bytes, None]:
        digest, left = hashlib.sha256(), record.bytes
        while left:
            chunk = yield min(left, _CHUNK)
            digest.update(chunk)
            stream.write(chunk)
            left -= len(chunk)
        if padding := _padding(record.bytes):
            yield padding
        if digest.hexdigest() != record.sha256:
            raise damaged(f"{record.name} has another content than its manifest says", self._where)

    def _size_of(self, block: bytes, name: str) -> int:
        """Return the size that a header gives, which has to be that of this plain file."""
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError):
            raise damaged(f"{name} is missing, or it is no archive of fmc", self._where) from None
        if info.type != tarfile.REGTYPE or info.name != TOP + name or info.linkname or info.size < 0:
            raise damaged(f"in place of the file {name} it has another one", self._where)
        return info.size
