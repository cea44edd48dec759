"""`tests/warm_python` runs a program as `python3` does, for whoever asks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.warm_python import SERVER, warm_python

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("WHO"), "colorsys" in sys.modules]))
"""


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    """An interpreter that has imported a module."""
    with warm_python(sys.executable, ("colorsys",)) as script:
        yield script


def test_a_program_has_the_arguments_folder_and_variables_of_who_asks(python: Path, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(ASK)
    done = subprocess.run(
        [python, "ask.py", "one", ""], cwd=tmp_path, env={"WHO": "me"}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f'[["one", ""], "{tmp_path}", "me", true]\n'


@pytest.mark.parametrize("code", [0, 3])
def test_a_program_from_stdin_ends_with_its_exit_code(python: Path, code: int) -> None:
    done = subprocess.run(
        [python], input=f"import sys; print(1); sys.exit({code})", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, "1\n")


# What systemd does with a socket, and what a client does that is somebody else.
HAND_OVER = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.executable, ['python3', sys.argv[2], '-'])"
BE_NOBODY = """
import os, sys
sys.path[:0] = [sys.argv[1]]
from server import client
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(client(sys.argv[2], []))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_program_has_the_user_who_asks_also_by_a_socket_of_systemd() -> None:
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        Path(folder).chmod(0o755)
        address = f"{folder}/socket"
        listener.bind(address)
        listener.listen()
        Path(address).chmod(0o666)
        handed = str(listener.fileno())
        with subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, handed, str(SERVER)],
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        ) as server:
            try:
                done = subprocess.run(
                    [sys.executable, "-c", BE_NOBODY, str(SERVER.parent), address],
                    input="import os; print(os.getuid(), os.geteuid(), os.getgroups())",
                    capture_output=True,
                    text=True,
                    check=True,
                )
            finally:
                server.kill()
    assert done.stdout == "65534 65534 [65534]\n"
