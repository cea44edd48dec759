"""The Git server of the bed: smart HTTP over TLS, with an account that may write and one that may only read.

The second one may have several tokens at once, as at every forge: so one is replaced by another without a gap.
"""

from __future__ import annotations

import secrets
import ssl
import subprocess
from pathlib import Path

from tests.delivery.gitserver import GitServer, basic
from tests.e2e.bed.authority import Authority

ADDRESS = ("127.0.0.2", 443)
_READER = "git"
WRITER = "x-access-token"
"""The user that may write: the name that fmc uses beside a token."""


class Forge:
    """Repositories below a folder, reached at https://<host>/<path>.

    Attributes:
        host: The server's name.
        write_token: With which one may read and write.
        read_token: The latest with which one may read.
        readers: Users and tokens that may read.
    """

    def __init__(self, folder: Path, authority: Authority, host: str) -> None:
        """Make the accounts.

        Args:
            folder: For the bare repositories.
            authority: Issues the server's certificate.
            host: The server's name.
        """
        self._folder = folder
        self._certificate = authority.server(host, [host])
        self.host = host
        self.write_token = secrets.token_urlsafe(24)
        self._server: GitServer | None = None
        self.readers: tuple[tuple[str, str], ...] = ()
        self.read_token = self.issue()

    def create(self, path: str) -> None:
        """Make an empty repository, as a person does in the forge's web pages.

        Args:
            path: Such as `home/infra.git`.
        """
        repository = self._folder / path
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(repository)], check=True)
        subprocess.run(["git", "-C", str(repository), "config", "http.receivepack", "true"], check=True)

    def issue(self) -> str:
        """Return another token that may read; those before it stay valid."""
        self.read_token = secrets.token_urlsafe(24)
        self._let_in(*self.readers, (_READER, self.read_token))
        return self.read_token

    def revoke(self, token: str) -> None:
        """Let a token that may read be none any more."""
        self._let_in(*(one for one in self.readers if one != (_READER, token)))

    def asked_with(self, token: str) -> int:
        """Return how many requests came with a token that may read."""
        header = basic(_READER, token)
        return sum(given == header for _, given in self._server.seen) if self._server else 0

    def start(self) -> None:
        """Serve."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*self._certificate)
        self._server = GitServer(
            self._folder,
            user=WRITER,
            token=self.write_token,
            readers=self.readers,
            tls=tls,
            address=ADDRESS,
        )
        self._server.__enter__()

    def stop(self) -> None:
        """Go away: connections are refused."""
        if self._server:
            self._server.__exit__(None, None, None)
            self._server = None

    def _let_in(self, *readers: tuple[str, str]) -> None:
        self.readers = readers
        if self._server:
            self._server.readers = readers
