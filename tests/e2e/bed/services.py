"""What kube-proxy does, for the programs that run for real: their Services' addresses lead to them.

The range of the Services' addresses is local to the bed's network, so that anyone may listen on each of them. The API
server reaches webhooks so, and nothing else needs it: the programs' own names stand in /etc/hosts.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.bed.api import Object

_CHUNK = 65536
Address = tuple[str, int]


class Services:
    """Forwards connections from Services to the programs behind them; a thread of its own."""

    def __init__(self) -> None:
        """Forward nothing yet."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="services", daemon=True)
        self._thread.start()
        self._servers: dict[Address, asyncio.Server] = {}

    def lead_to(self, pod: Object, services: list[Object]) -> None:
        """Let the Services that select a pod lead to it, on the ports that it listens on.

        Args:
            pod: One whose container runs here.
            services: Those of its namespace.
        """
        for service in services:
            if selects(service, pod):
                for address, port in routes(service, pod):
                    asyncio.run_coroutine_threadsafe(self._listen(address, port), self._loop).result()

    def stop(self) -> None:
        """Forward nothing more."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()

    async def _listen(self, address: Address, port: int) -> None:
        if address not in self._servers:
            self._servers[address] = await asyncio.start_server(
                lambda reader, writer: forward(reader, writer, port), *address
            )

    async def _close(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()


def selects(service: Object, pod: Object) -> bool:
    """Return whether a Service has an address, and selects a pod."""
    spec = service["spec"]
    labels = pod["metadata"].get("labels", {})
    wanted = spec.get("selector", {})
    return spec.get("clusterIP", "None") != "None" and bool(wanted) and wanted.items() <= labels.items()


def routes(service: Object, pod: Object) -> Iterator[tuple[Address, int]]:
    """Yield the address of each TCP port of a Service, and the pod's port that it stands for."""
    named = {
        port["name"]: port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
        if "name" in port
    }
    for port in service["spec"]["ports"]:
        target = port.get("targetPort", port["port"])
        number = named.get(target) if isinstance(target, str) else target
        if number is not None and port.get("protocol", "TCP") == "TCP":
            yield (service["spec"]["clusterIP"], port["port"]), number


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Copy a connection in both directions; a program that does not listen ends it."""
    with contextlib.suppress(OSError):
        back, forth = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, forth), _copy(back, writer))
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
