"""`k3s agent`: registers its Node and is heard from then on; what it is refused for it tries again, without end."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from tests.lab.stand_in_k3s import notify, token
from tests.lab.stand_in_k3s.client import ask
from tests.lab.stand_in_k3s.events import log, record
from tests.lab.stand_in_k3s.server import as_node, node_password

if TYPE_CHECKING:
    from tests.lab.stand_in_k3s.config import Config


def run(config: Config) -> int:
    """Run an agent until it is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    record("started", kind="agent", join=config.server)
    notify.ready()
    password = token.parse(config.token or "").password
    body = {"name": config.name, "password": node_password(), "node": as_node(config)}
    is_known = False
    while True:
        page = "heartbeat" if is_known else "agent"
        answer = ask(f"{config.server}/v1-k3s/{page}", "node", password, body)
        if answer.status == 200:
            if not is_known:
                record("registered")
            is_known = True
        else:
            is_known = False
            log("error", f"Failed to register: {answer.status} {answer.text}")
        time.sleep(1)
