"""Who answers at an address: one TCP connection to each port, closed at once, and what the kernel learnt by ARP then.

No privileges are needed. Somebody who drops what arrives is still seen where they are on the same network, since the
kernel has to ask for their MAC address first.
"""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SECONDS = 1.0
NEIGHBOURS = Path("/proc/net/arp")
_COMPLETE = 0x2  # ATF_COM of linux/if_arp.h: the MAC address is known
_AT_ONCE = 64
_FIELDS = 4  # of a line that are read: address, hardware type, flags, MAC address


@dataclass(frozen=True, order=True)
class Answer:
    """Somebody answers.

    Attributes:
        address: Where.
        port: The port that took a connection; 0 where none did.
        mac: Their MAC address, in lower case; "" where they are on another network.
    """

    address: str
    port: int
    mac: str


def ask(
    targets: Mapping[str, Collection[int]], *, seconds: float = SECONDS, neighbours: Path = NEIGHBOURS
) -> list[Answer]:
    """Try to connect to ports of addresses, all at the same time.

    A connection that is refused is no answer by itself: a router on the way can refuse it, too.

    Args:
        targets: The ports to try, by address.
        seconds: How long each attempt may take.
        neighbours: The kernel's table of MAC addresses.
    """
    pairs = [(address, port) for address, ports in targets.items() for port in sorted(ports)]
    if not pairs:
        return []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        taken = list(pool.map(lambda pair: _connects(pair[0], pair[1], seconds), pairs))
    macs = _macs(neighbours)
    open_ports: dict[str, int] = {}
    for (address, port), is_open in zip(pairs, taken, strict=True):
        if is_open:
            open_ports.setdefault(address, port)
    return sorted(
        Answer(address, open_ports.get(address, 0), macs.get(address, ""))
        for address in targets
        if address in open_ports or address in macs
    )


def _connects(address: str, port: int, seconds: float) -> bool:
    try:
        with socket.create_connection((address, port), timeout=seconds):
            return True
    except OSError:
        return False


def _macs(neighbours: Path) -> dict[str, str]:
    """Return the MAC addresses that the kernel knows, by address."""
    try:
        lines = neighbours.read_text().splitlines()[1:]
    except OSError:
        return {}
    found = {}
    for line in lines:
        fields = line.split()
        if len(fields) >= _FIELDS and int(fields[2], 16) & _COMPLETE:
            found[fields[0]] = fields[3].lower()
    return found
