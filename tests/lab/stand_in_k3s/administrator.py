"""Questions of the administrator on a server's own machine, who shows the certificate of the kubeconfig."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from tests.lab.stand_in_k3s.certificates import ADMIN
from tests.lab.stand_in_k3s.paths import AUTHORITY, LOCAL


def ask_as_administrator(page: str, body: object) -> Any:
    """Return the server's answer; None where it gives none."""
    try:
        context = ssl.create_default_context(cafile=str(AUTHORITY))
        context.load_cert_chain(ADMIN.with_suffix(".crt"), ADMIN.with_suffix(".key"))
        request = urllib.request.Request(f"https://{LOCAL}:6443/stand-in/{page}", data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=15, context=context) as response:
            return json.loads(response.read())
    except (OSError, urllib.error.HTTPError):
        return None
