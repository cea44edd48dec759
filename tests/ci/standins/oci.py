"""What both stand-ins need: a registry, with the login in DOCKER_CONFIG, and a note of what they were called with."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path


def ask(method: str, registry: str, path: str, body: bytes | None = None) -> tuple[bytes, str]:
    """Ask a registry, and return its answer and its header Location; end the program where it refuses."""
    logins = json.loads(Path(os.environ["DOCKER_CONFIG"], "config.json").read_text())["auths"]
    headers = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    if registry in logins:
        headers["Authorization"] = f"Basic {logins[registry]['auth']}"
    request = urllib.request.Request(f"http://{registry}{path}", data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.read(), response.headers.get("Location", "")
    except urllib.error.HTTPError as error:
        sys.exit(f"error: unexpected status from {method} request to {registry}: {error.code} {error.reason}")


def note_arguments() -> None:
    """Append what this process was called with to the file that a test reads."""
    with Path(os.environ["STANDIN_NOTES"]).open("a") as notes:
        notes.write(f"{json.dumps(sys.argv)}\n")
