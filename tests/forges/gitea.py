"""A real Gitea on loopback, with a database in a file and without mail, SSH, pages or anything from outside."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS_TO_START = 60.0
_TIMEOUT = 60
_SETTINGS = """\
RUN_USER = {user}
WORK_PATH = {folder}
# Containers run tests as root; it listens on loopback, for as long as they last.
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {share}
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2
[cron]
ENABLED = false
[repository]
DEFAULT_BRANCH = main
[webhook]
# Webhooks are made, and never reach anybody.
ALLOWED_HOST_LIST = loopback
[log]
MODE = console
LEVEL = Warn
"""


@dataclass(frozen=True)
class Server:
    """A Gitea that runs.

    Attributes:
        url: Its address, without a slash at the end.
        user: Whose the token is.
        token: May do everything.
    """

    url: str
    user: str
    token: str

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask or change something as a person does in the pages of the forge."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        with build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT) as answer:
            content = answer.read()
        return json.loads(content) if content else None


@contextmanager
def gitea(program: Path, folder: Path) -> Iterator[Server]:
    """Run Gitea with the user ada, who owns the organisation team, until the block ends.

    Args:
        program: Gitea, as the toolchain builds it: what it serves lies beside it.
        folder: An empty folder for all that it keeps.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    share = program.resolve().parent.parent / "share"
    settings = folder / "app.ini"
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    settings.write_text(_SETTINGS.format(user=user, folder=folder, port=port, share=share))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "USER": user}

    def admin(*arguments: str) -> str:
        command = [str(program), "--config", str(settings), *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=_TIMEOUT, cwd=folder
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip().splitlines()[-1]

    admin("migrate")
    person = ["--username", "ada", "--email", "ada@example.org", "--random-password", "--must-change-password=false"]
    admin("admin", "user", "create", *person, "--admin")
    token = admin("admin", "user", "generate-access-token", "--username", "ada", "--scopes", "all", "--raw")
    server = Server(f"http://127.0.0.1:{port}", "ada", token)
    with (folder / "log").open("wb") as log:
        command = [str(program), "--config", str(settings), "web"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(server, process, folder / "log")
        server.api("POST", "/orgs", {"username": "team"})
        yield server
    finally:
        process.terminate()
        process.wait(_TIMEOUT)


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            server.api("GET", "/version")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text(errors="replace"))
