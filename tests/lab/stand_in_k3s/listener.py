"""The ports of a server: 6443 with TLS, where roles and other servers ask, and 2381 with etcd's health."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.lab.stand_in_k3s import kubectl, paths
from tests.lab.stand_in_k3s import state as states
from tests.lab.stand_in_k3s.changes import RefusedError
from tests.lab.stand_in_k3s.cluster import peer_password
from tests.lab.stand_in_k3s.events import record
from tests.lab.stand_in_k3s.token import full, hashed, passwords, write_passwords

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.stand_in_k3s.cluster import Cluster

API_PORT = 6443
HEALTH_PORT = 2381


class Listener(ThreadingHTTPServer):
    """The port of the API server. It is open from the start, and answers 503 until there is something to say.

    Attributes:
        cluster: None until this server has a datastore.
        is_ready: Whether the API server is.
    """

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        self.cluster: Cluster | None = None
        self.is_ready = False
        self._context = _context(certificate)
        super().__init__((paths.BIND, API_PORT), _Pages)

    def show(self, certificate: Path, authority: Path) -> None:
        """Show another certificate, and know administrators by that authority from now on."""
        context = _context(certificate)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(authority)
        self._context = context

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its handshake happens in its own thread."""
        connection, address = super().get_request()
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: object, client_address: object) -> None:
        """Leave a connection that ended early without a word: checks of load balancers do that."""


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate.with_suffix(".key"))
    return context


class _Pages(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(None)

    def do_PUT(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        try:
            status, content = self._page(body)
        except RefusedError as error:
            status, content = error.status, error.message
        encoded = content.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _page(self, body: Any) -> tuple[int, str]:
        cluster = self.server.cluster
        if cluster is None:
            return 503, "starting"
        match self.path.strip("/").split("/"):
            case ["ping"]:
                return 200, "pong"
            case ["cacerts"]:
                return 200, paths.AUTHORITY.read_text()
            case ["readyz" | "livez" | "version"]:
                return self._readyz(cluster)
            case ["db", "info"] | ["v1-k3s", "server-bootstrap"]:
                return self._for_servers(cluster)
            case ["v1-k3s", "readyz"]:
                return (200, "ok") if self._is("server", "node") else (403, "Forbidden")
            case ["v1-k3s", page] if body is not None and self._is("server", "node"):
                return self._told(cluster, page, body)
            case ["stand-in", "kubectl"] if self._is_administrator():
                return 200, json.dumps(kubectl.answer(cluster, self.server.is_ready, body))
            case ["stand-in", page] if self._is("peer"):
                return _between(cluster, page, body)
        return 403, "not authorized"

    def _for_servers(self, cluster: Cluster) -> tuple[int, str]:
        """Answer what servers alone may know."""
        if not self._is("server"):
            return 403, "Forbidden"
        return 200, _members(cluster) if self.path == "/db/info" else json.dumps(passwords())

    def _told(self, cluster: Cluster, page: str, body: Any) -> tuple[int, str]:
        """Answer those who belong to the cluster."""
        if page != "token":
            return _joining(cluster, page, body)
        return self._rotate(cluster, body["newToken"]) if self._is("server") else (403, "Forbidden")

    def _rotate(self, cluster: Cluster, password: str) -> tuple[int, str]:
        """Rotate the token: this server knows it at once, the others after a restart. Its passwords are saved, too."""
        write_passwords(hashed(password), cluster.agent_token)
        cluster.change("rotate_token", token=hashed(password), passwords=passwords())
        cluster.token = hashed(password)
        paths.write_secret(paths.SERVER / "token", full("server", password) + "\n")
        record("rotated")
        return 200, ""

    def _readyz(self, cluster: Cluster) -> tuple[int, str]:
        if not self.server.is_ready:
            return 503, "starting"
        if not self._is_administrator():
            return 401, "Unauthorized"
        return (200, "ok") if cluster.has_quorum() else (500, "[-]etcd failed: reason withheld")

    def _is_administrator(self) -> bool:
        assert isinstance(self.connection, ssl.SSLSocket)
        shown: Any = self.connection.getpeercert() or {}
        return (("commonName", "system:admin"),) in shown.get("subject", ())

    def _is(self, *users: str) -> bool:
        """Return whether the credentials are those of one of these users."""
        kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return False
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        cluster = self.server.cluster
        assert cluster
        wanted = {"server": cluster.token, "node": cluster.agent_token, "peer": hashed(peer_password())}
        return user in users and hashed(password) == wanted.get(user)


def _members(cluster: Cluster) -> str:
    members = [
        {
            **({} if member["isLearner"] else {"name": name}),
            "ID": int(name[-8:], 16),
            "peerURLs": [f"https://{member['address']}:2380"],
            "clientURLs": [] if member["isLearner"] else [f"https://{member['address']}:2379"],
            **({"isLearner": True} if member["isLearner"] else {}),
        }
        for name, member in cluster.state["members"].items()
    ]
    return json.dumps({"members": members})


def _joining(cluster: Cluster, page: str, body: Any) -> tuple[int, str]:
    """Answer what a server or an agent asks that joins."""
    match page:
        case "server":
            may_compare = body["agent_token"] == cluster.agent_token
            name = cluster.change(
                "add_member",
                node=body["node"],
                address=body["address"],
                critical=body["critical"] if may_compare else None,
            )
            key = paths.AUTHORITY.with_suffix(".key").read_text()
            return 200, json.dumps({"name": name, "key": key, "state": cluster.state, "compared": may_compare})
        case "promote":
            cluster.change("promote", name=body["name"])
            return 200, json.dumps(cluster.state)
        case "agent":
            cluster.change("register_node", name=body["name"], password=body["password"], node=body["node"])
            cluster.heard(body["name"])
            return 200, ""
        case "heartbeat":
            if body["name"] not in cluster.state["nodes"]:
                return 404, f"nodes {body['name']} not found"
            cluster.heard(body["name"])
            return 200, ""
    return 404, "not found"


def _between(cluster: Cluster, page: str, body: Any) -> tuple[int, str]:
    """Answer another member."""
    match page:
        case "alive":
            return 200, "ok"
        case "state":
            return 200, json.dumps(cluster.state)
        case "seen":
            return 200, json.dumps(cluster.seen)
        case "copy":
            states.save(body)
            return 200, ""
        case "change":
            return 200, json.dumps({"result": cluster.lead(body["name"], body["arguments"])})
    return 404, "not found"


def serve_health(cluster: Cluster, *, everywhere: bool) -> None:
    """Serve etcd's health, on the node's address as well where metrics are exposed."""

    class Health(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            healthy = cluster.has_quorum()
            self.send_response(200 if healthy else 503)
            self.end_headers()
            self.wfile.write(
                b'{"health":"true","reason":""}' if healthy else b'{"health":"false","reason":"RAFT NO LEADER"}'
            )

    server = ThreadingHTTPServer((paths.BIND if everywhere else paths.LOCAL, HEALTH_PORT), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
