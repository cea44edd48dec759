"""A real sshd on loopback, for one user with one key."""

from __future__ import annotations

import getpass
import os
import shlex
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where sshd locks itself in before anybody has logged in; Debian's service makes it (sshd(8), FILES).
_PRIVILEGE_SEPARATION = Path("/run/sshd")
_SECONDS_TO_START = 10.0


@contextmanager
def ssh_server(program: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Run sshd until the block ends.

    Args:
        program: The server.
        folder: A folder for its keys, made by this call.

    Yields:
        The base of its URLs, to which a path follows, and the GIT_SSH_COMMAND that it lets in.
    """
    folder.mkdir()
    for name in ("host", "user"):
        generate = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(generate, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "sshd_config"
    settings.write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
    )
    host = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}")
    if os.geteuid() == 0:
        _PRIVILEGE_SEPARATION.mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([str(program), "-D", "-e", "-f", str(settings)], stderr=log)
    try:
        _wait_for(port, server, folder / "log")
        options = ["-F", os.devnull, "-i", str(folder / "user"), "-o", f"UserKnownHostsFile={folder}/known_hosts"]
        command = shlex.join(["ssh", *options, "-o", "BatchMode=yes"])
        yield f"ssh://{getpass.getuser()}@127.0.0.1:{port}", command
    finally:
        server.kill()
        server.wait()


@contextmanager
def shared_connection(base: str, command: str) -> Iterator[str]:
    """Give a GIT_SSH_COMMAND for sessions in one connection: opening one costs ten times what a session of git does.

    Where the connection is lost, ssh opens one of its own.

    Args:
        base: As `ssh_server` gives it.
        command: As `ssh_server` gives it.
    """
    # The address of a socket may have 107 characters (unix(7)).
    with tempfile.TemporaryDirectory(prefix="fmc-ssh-") as folder:
        shared = [*shlex.split(command), "-S", f"{folder}/s"]
        with subprocess.Popen([*shared, "-M", "-N", base], stdin=subprocess.DEVNULL) as master:
            try:
                deadline = time.monotonic() + _SECONDS_TO_START
                while subprocess.run([*shared, "-O", "check", base], capture_output=True, check=False).returncode:
                    assert master.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                yield shlex.join(shared)
            finally:
                master.kill()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        else:
            return
