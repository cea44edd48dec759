"""Python programs in processes that are forked from one that has imported what they need.

Importing is half of what a short verb of `fmc` costs; `shortcuts` has what else is quicker. Everything else is as if
the program had been started: it has its own arguments, variables, folder and streams, ends as an interpreter ends, and
nothing that it changes is seen by the next one. As a program this module is the server; it serves one test process, on
the socket that is its stdin.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir
from typing import TYPE_CHECKING, NoReturn

from tests.warm_python.server import exactly

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
# Read by the interpreter when it starts, or by a module when it is imported.
_READ_EARLY = re.compile(r"PATH|LANG|LC_\w+|TZ|PYTHON\w+|GIT_PYTHON_\w+")
_LENGTH = 8
# The exit code of an interpreter that could not write all of its output (sys.exit in Python's documentation).
_CANNOT_FLUSH = 120
_PROGRAMS = {str(Path(sys.executable).with_name(name)) for name in ("fmc", "copier")}


def run(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: bytes, timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """Run any program to its end; `fmc`, `copier` and scripts are forked where that makes no difference.

    Args:
        command: The program and its arguments.
        cwd: The folder it runs in.
        env: All of its variables.
        stdin: What it can read.
        timeout: Seconds after which it is killed.

    Raises:
        subprocess.TimeoutExpired: It had not ended by then.
    """
    script = command[1:] if command[0] == sys.executable else command
    if script[0] in _PROGRAMS or script[0].endswith(".py"):
        server = _server(os.getpid())
        if server.serves(env):
            return server.run(script, cwd, env, stdin, timeout)
    return subprocess.run(command, cwd=cwd, env=env, input=stdin, capture_output=True, timeout=timeout, check=False)


@cache
def _server(_process: int) -> ForkServer:
    """Return this process's server; a process that was forked from it needs its own."""
    return ForkServer({"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})


class ForkServer:
    """The test process's side.

    Args:
        environment: What the server is started with. A program that wants another value of a variable that is read
            early can't be forked.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._early = _read_early(environment)
        self._socket, theirs = socket.socketpair()
        # One for all processes that run the same tests side by side.
        renderings = f"{gettempdir()}/renderings-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
        atexit.register(rmtree, renderings, ignore_errors=True)
        with theirs:
            command = [sys.executable, "-m", "tests.pipeline.forked", renderings]
            # Should the server itself fail, that is seen on our stderr.
            server = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, cwd=ROOT, env=environment
            )
        atexit.register(server.wait)
        atexit.register(self._socket.close)

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Tell whether a program with these variables may be forked."""
        return _read_early(environment) == self._early

    def run(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: bytes, timeout: float
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a Python program to its end; see `run`."""
        (in_read, in_write), (out_read, out_write), (err_read, err_write) = os.pipe(), os.pipe(), os.pipe()
        request = json.dumps([list(command), str(cwd), dict(environment)]).encode()
        with ThreadPoolExecutor(3) as streams:
            try:
                socket.send_fds(self._socket, [len(request).to_bytes(_LENGTH)], [in_read, out_write, err_write])
            finally:
                for descriptor in (in_read, out_write, err_write):
                    os.close(descriptor)
            streams.submit(_write, in_write, stdin)
            out, err = (streams.submit(_read, descriptor) for descriptor in (out_read, err_read))
            self._socket.sendall(request)
            process = self._number()
            self._socket.settimeout(timeout)
            try:
                code = self._number()
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                self._socket.settimeout(None)
                self._number()
                raise subprocess.TimeoutExpired(list(command), timeout) from None
            self._socket.settimeout(None)
            return subprocess.CompletedProcess(command, code, out.result(), err.result())

    def _number(self) -> int:
        return int.from_bytes(exactly(self._socket, _LENGTH), signed=True)


def _read_early(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if _READ_EARLY.fullmatch(name)}


def _write(descriptor: int, content: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def _read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def serve(connection: socket.socket, between: Callable[[], None]) -> None:
    """Fork a process for each request, until the other side is gone; return in the forked process.

    Args:
        connection: To the other side.
        between: What is done when one has ended.
    """
    while True:
        length, descriptors, _, _ = socket.recv_fds(connection, _LENGTH, 3)
        if not length:
            os._exit(0)
        command, folder, environment = json.loads(exactly(connection, int.from_bytes(length)))
        process = os.fork()
        if process == 0:
            connection.close()
            _become(command, folder, environment, descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(process.to_bytes(_LENGTH, signed=True))
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        connection.sendall(code.to_bytes(_LENGTH, signed=True))
        between()


def _become(command: list[str], folder: str, environment: dict[str, str], descriptors: list[int]) -> None:
    """Give this process what a started one would have."""
    from plumbum import local

    for stream, descriptor in enumerate(descriptors):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    time.tzset()
    # It has read the variables when it was imported.
    local.env.__init__()  # type: ignore[misc]
    sys.argv = command


def import_everything() -> None:
    """Import all of fmc, and of Copier what a rendering needs; read the questions and the schemas."""
    import generator
    from generator.answers.load import load
    from generator.checks.schema.schemas import load_schemas, minor_for

    for module in pkgutil.walk_packages(generator.__path__, "generator."):
        import_module(module.name)
    for name in (
        "copier.__main__",
        "cryptography.x509",
        "git",
        "jsonschema_rs",
        "pyrage",
        "rich.console",
        "ruamel.yaml",
    ):
        import_module(name)
    loaded = load(ROOT / "examples" / "ha.yaml", ROOT)
    load_schemas(minor_for(loaded.plan.k3s.version)[0])


def become_program() -> NoReturn:
    """Be the program that is named; Copier compiles nothing that it has compiled before, as in `fmc`."""
    from generator.template.compiled import compiled_once

    code: object = None
    try:
        with compiled_once("copier") if Path(sys.argv[0]).name == "copier" else nullcontext():
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    _end(code or 0)


def _end(code: int) -> NoReturn:
    """End as the interpreter does, except that it takes its modules apart, which costs more than most verbs."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if not stream.closed:
                stream.flush()
        except OSError:
            print(f"Exception ignored in: {stream!r}", file=sys.__stderr__)
            code = _CANNOT_FLUSH
    os._exit(code)


if __name__ == "__main__":
    from tests.pipeline.shortcuts import take_shortcuts

    requests = socket.socket(fileno=os.dup(0))
    import_everything()
    ahead = take_shortcuts(Path(sys.argv[1]))
    gc.collect()
    ahead.read()
    serve(requests, ahead.read)
    become_program()
