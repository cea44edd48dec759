"""A record of what happened and when, for tests: order and timing."""

from __future__ import annotations

import json
import sys
import time

from tests.lab.stand_in_k3s import paths


def record(event: str, **more: object) -> None:
    """Append an event to the record, and log it."""
    paths.EVENTS.parent.mkdir(parents=True, exist_ok=True)
    with paths.EVENTS.open("a") as file:
        file.write(json.dumps({"time": time.time(), "event": event, **more}) + "\n")
    log("info", " ".join([event, *(f"{key}={value}" for key, value in more.items())]))


def log(level: str, message: str) -> None:
    """Log as K3s does."""
    print(
        f'time="{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}" level={level} msg={json.dumps(message)}',
        file=sys.stderr,
        flush=True,
    )
