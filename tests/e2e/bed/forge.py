"""The Git server of the bed: smart HTTP over TLS, with an account that may write and one that may only read."""

from __future__ import annotations

import secrets
import ssl
import subprocess
from pathlib import Path

from tests.delivery.gitserver import GitServer
from tests.e2e.bed.authority import Authority

ADDRESS = ("127.0.0.2", 443)


class Forge:
    """Repositories below a folder, reached at https://<host>/<path>."""

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
        self.read_token = secrets.token_urlsafe(24)
        self._server: GitServer | None = None

    def create(self, path: str) -> None:
        """Make an empty repository, as a person does in the forge's web pages.

        Args:
            path: Such as `home/infra.git`.
        """
        repository = self._folder / path
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(repository)], check=True)
        subprocess.run(["git", "-C", str(repository), "config", "http.receivepack", "true"], check=True)

    def start(self) -> None:
        """Serve."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*self._certificate)
        self._server = GitServer(
            self._folder,
            # The name that fmc uses beside a token.
            user="x-access-token",
            token=self.write_token,
            readers={"git": self.read_token},
            tls=tls,
            address=ADDRESS,
        )
        self._server.__enter__()

    def stop(self) -> None:
        """Go away: connections are refused."""
        if self._server:
            self._server.__exit__(None, None, None)
            self._server = None
