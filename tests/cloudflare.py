"""A stand-in for Cloudflare's API, as far as a program meets it that lets names follow an address, on loopback.

`python -m tests.cloudflare PORT TOKEN [NAME=ADDRESS…]` serves it, and prints a line for each change.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

ZONE = "example.com"
ADDRESS = "93.184.216.34"


@dataclass
class Cloudflare:
    """What the API knows, what it was asked, and how it answers instead.

    Attributes:
        records: All DNS records.
        address: What the other side says whose connection this is.
        zones: The zones that the token sees.
        token: The token that is taken.
        asked: Method and target of each request.
        written: The body of each change.
        instead: Status and content of every answer of the API.
        location: Where every answer leads.
        url: Where it listens.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    address: str = ADDRESS
    zones: tuple[str, ...] = (ZONE,)
    token: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    instead: tuple[int, str] | None = None
    location: str = ""
    url: str = ""

    def answer(self, method: str, target: str, body: str, authorization: str) -> tuple[int, str]:
        """Answer as the real one does."""
        parts = urlsplit(target)
        self.asked.append((method, target))
        if parts.path == "/trace":
            return 200, f"fl=1\nip={self.address}\nts=1\n"
        if self.instead:
            return self.instead
        if authorization != f"Bearer {self.token}":
            errors = [{"code": 9109, "message": f"Invalid access token {authorization}\x1b[31m"}]
            return 403, json.dumps({"success": False, "errors": errors, "result": None})
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        result: Any
        match method, parts.path.split("/")[2:]:
            case "GET", ["zones"]:
                result = [{"id": f"id-{zone}", "name": zone} for zone in self.zones if zone == query["name"]]
            case "GET", ["zones", _, "dns_records"]:
                result = [r for r in self.records if (r["name"], r["type"]) == (query["name"], query["type"])]
            case "POST", ["zones", _, "dns_records"]:
                result = {"id": f"r{len(self.records)}", **json.loads(body)}
                self.written.append(json.loads(body))
                self.records.append(result)
            case "PATCH", ["zones", _, "dns_records", record]:
                (result,) = (r for r in self.records if r["id"] == record)
                self.written.append(json.loads(body))
                result |= json.loads(body)
            case _:
                return 404, json.dumps({"success": False, "errors": [], "result": None})
        return 200, json.dumps({"success": True, "errors": [], "result": result})


@contextlib.contextmanager
def serve(state: Cloudflare, port: int = 0) -> Iterator[Cloudflare]:
    """Serve a state, at a free port unless one is named."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            status, text = state.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
            self.send_response(status)
            if state.location:
                self.send_header("Location", state.location)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_PATCH = do_GET

        def log_message(self, format: str, *arguments: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield state
        server.shutdown()


def record(name: str, address: str, number: int = 0) -> dict[str, Any]:
    """Return an A record as a person made it."""
    return {"id": f"r{number}", "type": "A", "name": name, "content": address, "ttl": 1, "proxied": True}


def main(port: str, token: str, *known: str) -> None:
    """Serve until it is ended."""
    pairs = (pair.partition("=") for pair in known)
    rows = [record(name, address, number) for number, (name, _, address) in enumerate(pairs)]
    with serve(Cloudflare(records=rows, token=token), int(port)) as state:
        shown = 0
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
            for change in state.written[shown:]:
                print(json.dumps(change), flush=True)
                shown += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
