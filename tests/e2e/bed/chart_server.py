"""The Helm repository of the bed: charts at a version of one's choice, by HTTPS."""

from __future__ import annotations

import os
import shutil
import ssl
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from generator.tools.command import Command
from tests.e2e.bed.authority import Authority
from tests.e2e.charts.assemble import FROM_TOOLS, assemble, has_own
from tests.toolchain.build import shared_files

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS = ("127.0.0.3", 443)
_WITH_CHARTS = ("sealed-secrets", "cert-manager")
"""The tools that have the chart of their name beside them."""


def is_generic(chart: str) -> bool:
    """Return whether the generic stand-in takes a chart's place: nothing of what the real one makes is there."""
    given = Path(os.environ.get("FMC_CHARTS") or "/nonexistent")
    return chart not in _WITH_CHARTS and not has_own(chart) and not list(given.glob(f"{chart}*"))


class ChartServer:
    """Serves what has been published, at https://<host>."""

    def __init__(self, folder: Path, authority: Authority, host: str, helm: Command) -> None:
        """Prepare a server without charts.

        Args:
            folder: For the packages.
            authority: Issues the server's certificate.
            host: The server's name.
            helm: Packages.
        """
        self._folder = folder
        self._certificate = authority.server(host, [host])
        self._helm = helm
        self._server: ThreadingHTTPServer | None = None
        self.url = f"https://{host}"
        self._public = folder / "public"
        self._public.mkdir(parents=True)

    def publish(self, charts: Mapping[str, str]) -> None:
        """Add charts to the repository.

        The real chart is taken where there is one: from the folder in FMC_CHARTS (`NAME-VERSION.tgz` as it is, or a
        folder `NAME`), or from the sources of the program. Otherwise our stand-in for it, its own or the generic one
        (`charts/README.md`).

        Args:
            charts: The version that each gets, by its name.
        """
        given = Path(os.environ.get("FMC_CHARTS") or "/nonexistent")
        for name, version in charts.items():
            archive = given / f"{name}-{version}.tgz"
            if archive.exists():
                shutil.copy(archive, self._public)
            else:
                chart = self._find(name, given)
                self._helm.run(["package", str(chart), "--version", version, "--destination", str(self._public)])
        self._helm.run(["repo", "index", str(self._public), "--url", self.url])

    def _find(self, name: str, given: Path) -> Path:
        for folder in (given, *map(shared_files, _WITH_CHARTS)):
            if (folder / name / "Chart.yaml").exists():
                return folder / name
        build = self._folder / "build"
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir()
        tool, place = FROM_TOOLS.get(name, FROM_TOOLS["argo-cd"])
        return assemble(name, build, shared_files(tool) / place)

    def start(self) -> None:
        """Serve."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*self._certificate)
        self._server = ThreadingHTTPServer(ADDRESS, partial(_Files, directory=str(self._public)))
        self._server.daemon_threads = True
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, name="charts", daemon=True).start()

    def stop(self) -> None:
        """Go away."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output clean."""
