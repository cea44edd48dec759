"""Processes for what takes long: rendering, and making a key."""

from __future__ import annotations

import ctypes
import signal
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, TypeVarTuple

from generator.errors import ToolError
from generator.signals import interrupts_held

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")
# prctl(2), from <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
# A fork shares what is imported already. Nothing here starts threads, whose locks it could copy in a locked state.
_FORK = get_context("fork")


class Task(Generic[_Result]):
    """A call that runs in a process of its own."""

    def __init__(self, function: Callable[..., _Result], arguments: tuple[Any, ...]) -> None:
        self._answer, answer = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_work, args=(answer, function, arguments), daemon=True)
        # Ctrl-C is the parent's to handle. A process inherits what is blocked, so that it can't come too early for it.
        with interrupts_held():
            self._process.start()
        # Without a writer on this side the end of the process is the end of the pipe.
        answer.close()

    def result(self) -> _Result:
        """Wait for what the call returns, or raise what it raised.

        Raises:
            ToolError: The process was killed.
        """
        try:
            error, value = self._answer.recv()
        except EOFError:
            raise ToolError("a working process was killed", fix="Run the same command again.") from None
        if error is not None:
            raise error
        result: _Result = value
        return result

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self._answer.close()


class Workers:
    """The tasks of one command; leaving it kills those that still run, so that what they write to can be removed."""

    def __init__(self) -> None:
        self._tasks: list[Task[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for task in self._tasks:
            task.kill()

    def start(self, function: Callable[[*_Arguments], _Result], *arguments: *_Arguments) -> Task[_Result]:
        """Begin a call in a process of its own.

        Args:
            function: What is called; its result, or what it raises, must be picklable.
            arguments: Its positional arguments.
        """
        task = Task(function, arguments)
        self._tasks.append(task)
        return task


def _work(answer: Connection, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    """Do the work of a task, in its process."""
    # A killed parent takes its workers with it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        result = function(*arguments)
    except Exception as error:
        answer.send((error, None))
    else:
        answer.send((None, result))
