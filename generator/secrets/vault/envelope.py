"""Large files encrypted to whoever opens the vault, written and read as streams: the memory that they need is bound.

pyrage tells little of what failed on the other side of it, and nothing at all of some writes: what a stream raised is
kept here, and counts.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from generator.errors import BadInputError, FmcError, NoIdentityError
from generator.secrets.vault.identities import read_identities
from generator.secrets.vault.recipient import recipient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


class _Source:
    """A stream that hands out pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.failure: BaseException | None = None
        self._pieces = pieces
        self._left = b""

    def read(self, size: int) -> bytes:
        try:
            while not self._left:
                self._left = next(self._pieces)
        except StopIteration:
            return b""
        except BaseException as error:
            self.failure = error
            raise
        taken, self._left = self._left[:size], self._left[size:]
        return taken


class _Sink:
    """A stream that hands on what is written."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self.failure: BaseException | None = None
        self._take = take

    def write(self, piece: bytes) -> int:
        try:
            self._take(piece)
        except BaseException as error:
            self.failure = error
            raise
        return len(piece)

    def flush(self) -> None:
        """Do nothing: what is written is handed on at once."""


def encrypt(pieces: Iterator[bytes], stream: IO[bytes], public_keys: Sequence[str], where: str) -> None:
    """Encrypt a stream.

    Args:
        pieces: What is encrypted.
        stream: Where to.
        public_keys: The vault's recipients.
        where: The vault, for messages.

    Raises:
        VaultError: One of them is no public key that age takes.
        Exception: What the pieces, or the stream, raised.
    """
    import pyrage

    recipients = [recipient(key, where) for key in public_keys]
    source, sink = _Source(pieces), _Sink(stream.write)
    try:
        pyrage.encrypt_io(source, sink, recipients)
    finally:
        if failure := source.failure or sink.failure:
            raise failure


def decrypt(path: Path, take: Callable[[bytes], object], identity: Path) -> None:
    """Decrypt a file.

    What is handed on is authentic, piece by piece; that nothing is missing at its end is known afterwards.

    Args:
        path: The age file.
        take: Is given the plaintext, piece by piece.
        identity: A file with identities.

    Raises:
        BadInputError: It can't be read, or is damaged, or no age file.
        VaultError: The identity is missing, or does not open it.
        Exception: What `take` raised.
    """
    import pyrage

    identities, sink = read_identities(identity), _Sink(take)
    try:
        with path.open("rb") as stream:
            pyrage.decrypt_io(stream, sink, identities)
    except (pyrage.DecryptError, OSError) as error:
        raise _explained(error, path, identity) from None
    finally:
        if sink.failure:
            raise sink.failure


def _explained(error: Exception, path: Path, identity: Path) -> FmcError:
    # The one cause that pyrage tells apart, by its text alone.
    if "No matching keys" in str(error):
        return NoIdentityError(
            f"no identity in {identity} opens {path}",
            where=str(identity),
            fix="Name an identity that opened the vault when the file was made, or the recovery identity, in "
            "FMC_IDENTITY.",
        )
    if isinstance(error, OSError) and error.errno is not None:
        return BadInputError(f"can't read {path}: {error.strerror}", where=str(path), fix="Check the path.")
    message = f"{path} is damaged, or no age file: age stops at the first byte that was changed"
    return BadInputError(message, where=str(path), fix="Take another copy, or another backup.")
