"""A client that asks all the time, and remembers how long nobody answered."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PAUSE = 0.05
_PATIENCE = 0.5


def ask(address: str, port: int, *, tls: bool = True, timeout: float = _PATIENCE) -> str:
    """Return who answers, "" for nobody."""
    try:
        with socket.create_connection((address, port), timeout) as plain:
            plain.settimeout(timeout)
            connection = _unverified().wrap_socket(plain) if tls else plain
            connection.sendall(b"GET /who HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
            answer = b""
            while block := connection.recv(4096):
                answer += block
    except OSError:
        return ""
    head, _, body = answer.partition(b"\r\n\r\n")
    return body.decode() if b" 200 " in head.split(b"\r\n")[0] else ""


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Client:
    """Asks every 50 ms, within half a second each.

    Attributes:
        address: Whom.
        port: Where.
        seen: Who answered.
        longest: Seconds of the longest time between two answers.
    """

    address: str
    port: int
    seen: set[str] = field(default_factory=set)
    longest: float = 0.0
    _ends: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin to ask."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        assert self._thread is not None
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        answered = time.monotonic()
        while not self._ends.is_set():
            name = ask(self.address, self.port)
            now = time.monotonic()
            if name:
                self.seen.add(name)
                self.longest = max(self.longest, now - answered)
                answered = now
            time.sleep(_PAUSE)
        self.longest = max(self.longest, time.monotonic() - answered)


if __name__ == "__main__":
    for _ in range(int(sys.argv[3])):
        print(ask(sys.argv[1], int(sys.argv[2])))
