"""Tells systemd that a service is up (sd_notify)."""

from __future__ import annotations

import os
import socket


def ready() -> None:
    """Say so, where systemd wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(b"READY=1\n", "\0" + address[1:] if address.startswith("@") else address)
