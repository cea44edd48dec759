"""Two processes for what takes long: rendering, and making a key."""

from __future__ import annotations

import ctypes
import gc
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from generator.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_PROCESSES = 2
# prctl(2), from <linux/prctl.h>
_PR_SET_PDEATHSIG = 1


class Workers:
    """A pool of processes; leaving it by an error kills them, whatever they do."""

    def __init__(self) -> None:
        # Forked at once, before any thread exists: later a fork could copy a lock that a thread holds.
        self._pool = ProcessPoolExecutor(_PROCESSES, mp_context=get_context("fork"), initializer=_serve)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            self._kill()
        self._pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise ToolError("a working process was killed", fix="Run the same command again.") from error

    @contextmanager
    def killed_on_error(self) -> Iterator[None]:
        """Kill the processes where something goes wrong inside, so that nothing writes into what is cleaned up then."""
        try:
            yield
        except BaseException:
            self._kill()
            raise

    def prepare(self, warm_up: Callable[[], None]) -> None:
        """Have each process do something that saves time later."""
        for _ in range(_PROCESSES):
            self.submit(warm_up)

    def submit(
        self, task: Callable[_Arguments, _Result], *arguments: _Arguments.args, **options: _Arguments.kwargs
    ) -> Future[_Result]:
        """Begin a task in one of the processes."""
        return self._pool.submit(task, *arguments, **options)

    def _kill(self) -> None:
        for process in active_children():
            process.kill()
            process.join()


def _serve() -> None:
    """Tie a worker to its parent: Ctrl-C is the parent's to handle, and a killed parent takes its workers with it."""
    # A worker lives for a second: looking for garbage would cost it a tenth of that.
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
