"""Clients that ask for something twenty times a second, with the password that they know, while it is replaced.

A client is a person with the vault at hand: it knows the password that counts there, and the one before. It is refused
where the one that it tries first does not open, and shut out where none does.
"""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.e2e.beside import Beside
from tests.e2e.rotation import vault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.rollout import Rollout

PERIOD = 0.05
AT_ONCE = 32
"""As many are on their way where each takes a second and a half; who is slower is asked less often."""


class Passwords:
    """The password of a secret, and the one before it, as the vault has them at each moment.

    Attributes:
        secret: `namespace/name`.
        value: Its value.
    """

    def __init__(self, rollout: Rollout, secret: str, value: str) -> None:
        """Look nothing up yet; `rollout` says whose vault it is."""
        self._rollout, self.secret, self.value = rollout, secret, value
        self._lock = threading.Lock()
        self._read: tuple[int, tuple[str, ...]] = (0, ())

    def known(self) -> tuple[str, ...]:
        """Return the newest one and the one before it."""
        with self._lock:
            written = (self._rollout.user.workspace / "vault.age").stat().st_mtime_ns
            if written != self._read[0]:
                vault = vault_of(self._rollout)
                before = vault.history.get(self.secret, {}).get(self.value, ())
                records = [vault.values[self.secret][self.value], *before[:1]]
                self._read = written, tuple(record.secret.reveal().decode() for record in records)
            return self._read[1]


@dataclass
class Client(Beside):
    """Asks twenty times a second until it is told to end; use it as a context manager.

    Attributes:
        name: Who is asked.
        passwords: What the client knows.
        opens: Asks with a password.
        likely: Says which of the passwords to try first; the one that opened last where there is nothing.
        at_once: How many questions may be on their way.
        asked: When it asked; seconds on the monotonic clock, as all moments here.
        refused: When it was refused, at the first try.
        shut_out: When no password opened.
        errors: What went wrong besides: nobody answered.
    """

    name: str
    passwords: Passwords
    opens: Callable[[str], bool]
    likely: Callable[[tuple[str, ...]], str] | None = None
    at_once: int = AT_ONCE
    asked: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    shut_out: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._last = self.passwords.known()[0]
        self._seconds = 0.0
        self._pool = ThreadPoolExecutor(self.at_once, thread_name_prefix=self.name)
        self._free = threading.Semaphore(self.at_once)
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._pool.shutdown()
        self._seconds = time.monotonic() - self._begin

    @property
    def secret(self) -> str:
        """Return the Secret that opens there: `namespace/name`."""
        return self.passwords.secret

    @property
    def rate(self) -> float:
        """Return how often it asked in a second."""
        return len(self.asked) / self._seconds

    def _repeat(self) -> None:
        due = time.monotonic()
        while not self._end.wait(max(0.0, due - time.monotonic())):
            if self._free.acquire(blocking=False):
                self._pool.submit(self._ask)
            due = max(due + PERIOD, time.monotonic())

    def _ask(self) -> None:
        begun = time.monotonic()
        try:
            self._try_each(begun)
        except (OSError, http.client.HTTPException) as error:
            self.errors.append(f"{begun - self._begin:.1f} s: {type(error).__name__}: {error}")
        finally:
            self.asked.append(begun)
            self._free.release()

    def _try_each(self, begun: float) -> None:
        for number, password in enumerate(self._in_turn()):
            if self.opens(password):
                self._last = password
                return
            if number == 0:
                self.refused.append(begun)
        self.shut_out.append(begun)

    def _in_turn(self) -> Iterator[str]:
        first = self.likely(self.passwords.known()) if self.likely else self._last
        yield first
        # Only now: while the first one opens, nobody looks the others up.
        yield from (password for password in self.passwords.known() if password != first)
