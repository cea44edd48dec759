"""What opens with a password on the bed: Argo CD's login, Traefik's BasicAuth as its Secret says, a page of hello.

Argo CD is the real one, and so is hello, which reads a mounted file. Traefik does not run on the bed: whether it would
let somebody in is judged by the Secret that the API server serves at that moment, with the same hash.
"""

from __future__ import annotations

import base64
import functools
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt

from tests.delivery.gitserver import basic
from tests.e2e.bed.daemon import is_listening
from tests.e2e.bed.waiting import wait_for
from tests.e2e.beside import Beside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.bed.api import Api
    from tests.e2e.rollout import Rollout

ARGOCD = "argocd/argocd-secret"
TRAEFIK = "traefik/traefik-dashboard-auth"
HELLO = "hello-staging/hello-users"
RENEWS_EVERY = 2.0
"""Seconds after which the bed renews a volume; a kubelet takes about a minute."""
_SERVER = ("argocd-server", 8080)
_HELLO_PORTS = (18380, 18390)
_TIMEOUT = 30


def log_in(password: str) -> str:
    """Log in at Argo CD as admin, and return the session's token; "" where it is refused."""
    connection = http.client.HTTPConnection(*_SERVER, timeout=_TIMEOUT)
    body = json.dumps({"username": "admin", "password": password})
    connection.request("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status == http.HTTPStatus.UNAUTHORIZED:
        return ""
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"argocd-server answered {answer.status}: {content[:200]!r}")
    token: str = json.loads(content)["token"]
    return token


def is_in(token: str) -> bool:
    """Return whether Argo CD takes a session's token for somebody's."""
    connection = http.client.HTTPConnection(*_SERVER, timeout=_TIMEOUT)
    connection.request("GET", "/api/v1/session/userinfo", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status == http.HTTPStatus.OK and bool(json.loads(content).get("loggedIn"))


@functools.lru_cache(maxsize=256)
def matches(password: str, hashed: bytes) -> bool:
    """Return whether a bcrypt hash is a password's; asked again, it remembers, since it takes its time by design."""
    return bcrypt.checkpw(password.encode(), hashed.replace(b"$2y$", b"$2b$"))


def in_htpasswd(password: str, users: bytes) -> bool:
    """Return whether a line of an htpasswd file lets admin in with a password."""
    name, _, hashed = users.strip().partition(b":")
    return name == b"admin" and matches(password, hashed)


def held(api: Api, secret: str, key: str) -> bytes:
    """Return a key of a Secret, as the API server serves it now."""
    found = api.get("Secret", *secret.split("/"))
    if found is None:
        raise OSError(f"{secret} is gone")
    return base64.b64decode(found["data"][key])


class ArgoCd:
    """The login of Argo CD, for who asks again and again.

    It answers a login after half a second at least, and locks a user out for five minutes who was refused five times in
    a row. So one has to know by other means which password counts at the moment: a session of before ends with it.
    """

    def __init__(self, api: Api) -> None:
        """Log in nowhere yet; `api` is asked for Argo CD's Secret."""
        self._api = api
        self._lock = threading.Lock()
        self._current = self._counts = self._session = ""

    def opens(self, password: str) -> bool:
        """Return whether admin gets in."""
        token = log_in(password)
        with self._lock:
            if token and password == self._current != self._counts:
                self._counts, self._session = password, token
        return bool(token)

    def likely(self, known: Sequence[str]) -> str:
        """Return which of the known passwords counts: that of the Secret, once the server has heard of it."""
        hashed = held(self._api, ARGOCD, "admin.password")
        current = next((password for password in known if matches(password, hashed)), known[0])
        with self._lock:
            self._current, counts, session = current, self._counts, self._session
        return counts if session and counts != current and is_in(session) else current


def reads(url: str, token: str) -> bool:
    """Return whether the Git server lets a token read a repository."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(place.netloc, timeout=_TIMEOUT)
    path = f"{place.path}/info/refs?service=git-upload-pack"
    connection.request("GET", path, headers={"Authorization": basic("git", token)})
    status = connection.getresponse().status
    connection.close()
    return status == http.HTTPStatus.OK


class MountedSecret(Beside):
    """A Secret as a volume, in the way of a kubelet: a folder beside is written, then a link is set to it in one step.

    The names are those of its AtomicWriter (kubernetes, pkg/volume/util/atomic_writer.go).
    """

    def __init__(self, folder: Path, api: Api, secret: str) -> None:
        """Write it for the first time; use it as a context manager to have it renewed."""
        self.folder, self._api, self._secret = folder, api, secret
        self._number = 0
        self._content: dict[str, str] = {}
        folder.mkdir(mode=0o700)
        self._renew()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self.folder)

    def _repeat(self) -> None:
        while not self._end.wait(RENEWS_EVERY):
            self._renew()

    def _renew(self) -> None:
        found = self._api.get("Secret", *self._secret.split("/"))
        if found is None or found["data"] == self._content:
            return
        self._content = found["data"]
        self._number += 1
        new, data, link = (self.folder / name for name in (f"..{self._number}", "..data", "..data_tmp"))
        new.mkdir()
        for key, text in self._content.items():
            (new / key).write_bytes(base64.b64decode(text))
            if not (self.folder / key).is_symlink():
                (self.folder / key).symlink_to(f"..data/{key}")
        link.symlink_to(new.name)
        link.rename(data)
        # The folder of before stays for who is just opening a file in it; the kubelet takes that chance.
        shutil.rmtree(self.folder / f"..{self._number - 2}", ignore_errors=True)


class Hello:
    """The service hello of the repository apps, with the volume that its pods mount; use it as a context manager."""

    def __init__(self, rollout: Rollout) -> None:
        """Start nothing yet."""
        self._source = rollout.user.workspace / "apps" / "sources" / "hello"
        self._volume = MountedSecret(rollout.bed.folder / "mounted", rollout.bed.api, HELLO)
        self._log = rollout.bed.folder / "log" / "hello.log"

    def __enter__(self) -> Hello:
        self._volume.__enter__()
        port, metrics = map(str, _HELLO_PORTS)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "HELLO_PASSWORD_FILE": str(self._volume.folder / "password"),
            "HELLO_PORT": port,
            "HELLO_METRICS_PORT": metrics,
            "HELLO_DRAIN_SECONDS": "0",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hello"], cwd=self._source, env=environment, stdout=log, stderr=log
            )
        wait_for("hello", lambda: is_listening(_HELLO_PORTS[0]))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._volume.__exit__()

    def opens(self, password: str) -> bool:
        """Return whether the private page opens."""
        connection = http.client.HTTPConnection("127.0.0.1", _HELLO_PORTS[0], timeout=_TIMEOUT)
        connection.request("GET", "/private/", headers={"Authorization": basic("hello", password)})
        status = connection.getresponse().status
        connection.close()
        if status not in (http.HTTPStatus.OK, http.HTTPStatus.UNAUTHORIZED):
            raise OSError(f"hello answered {status}")
        return status == http.HTTPStatus.OK
