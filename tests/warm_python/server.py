"""A Python for Ansible's modules and the cluster's programs: forked from one that has imported what they need.

Ansible sends each module with all that it imports as source, and it is compiled anew for each task: four fifths of
what a task costs. The code that is imported ahead is that of the same Ansible.

`server.py SOCKET NAME...` is the server, which imports NAME... and forks a process for each program; "-" stands for the
socket that systemd hands over. `server.py @SOCKET [ARGUMENT...]` is used as `python3` is, by whoever may reach the
socket: the program has the user of the process that asks.
"""

from __future__ import annotations

import os
import socket
import sys

_LENGTH = 8
# sd_listen_fds(3): the first one.
_FROM_SYSTEMD = 3


def client(path: str, arguments: list[str]) -> int:
    """Run a Python program with this process's folder, variables and streams, and return its exit code."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        variables = [b"=".join(pair) for pair in os.environb.items()]
        folder = os.getcwdb()  # noqa: PTH109 (to import pathlib takes longer than all of this)
        request = b"\0".join([folder, b"%d" % len(arguments), *map(os.fsencode, arguments), *variables])
        socket.send_fds(connection, [len(request).to_bytes(_LENGTH)], [0, 1, 2])
        connection.sendall(request)
        return int.from_bytes(exactly(connection, _LENGTH))


def serve(path: str, names: list[str]) -> None:
    """Import, and fork a process for each program until this one is killed."""
    import gc
    import signal
    from importlib import import_module

    for name in names:
        import_module(name)
    # A collection would touch, and thereby copy, all that a program has in common with this process.
    gc.freeze()
    with socket.socket(fileno=_FROM_SYSTEMD) if path == "-" else socket.socket(socket.AF_UNIX) as listener:
        if path != "-":
            listener.bind(path)
            listener.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _attend(connection)
            connection.close()


def _attend(connection: socket.socket) -> None:
    """Run one program, and tell the client how it ended."""
    length, descriptors, _, _ = socket.recv_fds(connection, _LENGTH, 3)
    folder, count, *fields = exactly(connection, int.from_bytes(length)).split(b"\0")
    arguments = [os.fsdecode(field) for field in fields[: int(count)]]
    process = os.fork()
    if process == 0:
        for stream, descriptor in enumerate(descriptors):
            os.dup2(descriptor, stream)
            os.close(descriptor)
        os.environb.clear()
        for field in fields[int(count) :]:
            name, _, value = field.partition(b"=")
            os.environb[name] = value
        os.chdir(folder)
        _start_anew()
        _take_user_of(connection)
        connection.close()
        _become(arguments)
    for descriptor in (0, 1, 2, *descriptors):
        os.close(descriptor)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    # A program that was killed ends as in a shell.
    connection.sendall((code if code >= 0 else 128 - code).to_bytes(_LENGTH))
    os._exit(0)


def _start_anew() -> None:
    """Read what an interpreter reads when it starts: what its streams are, and a variable."""
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", errors=sys.stdout.errors, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))


def _take_user_of(connection: socket.socket) -> None:
    """Be the user whose process is at the other end."""
    import struct

    credentials = struct.Struct("3i")
    _, user, group = credentials.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    if user != os.geteuid():
        from pwd import getpwuid

        os.initgroups(getpwuid(user).pw_name, group)
        os.setgid(group)
        os.setuid(user)


def _become(arguments: list[str]) -> None:
    """Be a program: `-m NAME`, a script, or what stdin says."""
    import atexit
    import runpy

    code: object = 0
    try:
        if not arguments:
            sys.argv = ["-"]
            exec(compile(sys.stdin.buffer.read(), "<stdin>", "exec"), {"__name__": "__main__"})
        elif arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def exactly(connection: socket.socket, length: int) -> bytes:
    """Read so many bytes; an end before that is an EOFError."""
    content = b""
    while len(content) < length:
        more = connection.recv(length - len(content))
        if not more:
            raise EOFError
        content += more
    return content


if __name__ == "__main__":
    if sys.argv[1].startswith("@"):
        sys.exit(client(sys.argv[1][1:], sys.argv[2:]))
    serve(sys.argv[1], sys.argv[2:])
