"""What the ingress does for one host: it ends TLS with the cluster's certificate, and leads to the program behind.

Traefik itself is simulated. Its certificate is not: cert-manager issued it, from the vault's authority.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from typing import TYPE_CHECKING

from tests.e2e.bed.services import forward

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from tests.e2e.bed.api import Object

ADDRESS = ("127.0.0.4", 443)


class Ingress:
    """Listens while it is entered."""

    def __init__(self, secret: Object, folder: Path, port: int, address: tuple[str, int] = ADDRESS) -> None:
        """Take the certificate.

        Args:
            secret: The Secret that has it, with its key.
            folder: For both.
            port: Of the program on loopback.
            address: Where to listen; port 0 is any that is free.
        """
        folder.mkdir(mode=0o700)
        files = [folder / name for name in ("tls.crt", "tls.key")]
        for file in files:
            file.write_bytes(base64.b64decode(secret["data"][file.name]))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(files[0], files[1])
        self._port = port
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ingress", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.sockets[0].getsockname()[1])

    def __enter__(self) -> Ingress:
        self._thread.start()
        serving = asyncio.start_server(
            lambda reader, writer: forward(reader, writer, self._port), *self._address, ssl=self._tls
        )
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
